"""Models by name through `huggingface_hub`, from a hub on this machine that does as huggingface.co does, or worse."""

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import threading
import types
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tinyvit import UserError, VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.pretrained import folder_files, resolve_model
from tinyvit.pretrained.download import download_model
from tinyvit.pretrained.weights import INDEX
from tinyvit.storage.tensors import arrays_to_bytes

NAME = "owner/a-model"
CONFIG = ViTConfig(img_size=8, patch_size=4, num_classes=3, embed_dim=16, depth=1, num_heads=2)
MODEL = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
FILES = {
    name: content if isinstance(content, bytes) else arrays_to_bytes(content)
    for name, content in folder_files(CONFIG, MODEL.parameters(), "hf").items()
}
WEIGHTS = FILES["model.safetensors"]


@pytest.fixture
def hub(hub):
    hub.files |= FILES
    return hub


@pytest.fixture
def cached(hub, tmp_path):
    """Where huggingface_hub keeps this version of the model."""
    return tmp_path / "hf" / "models--owner--a-model" / "snapshots" / hub.commit


@pytest.fixture
def library(hub):
    return sys.modules["huggingface_hub"]


def refusal(name=NAME):
    with pytest.raises(UserError) as caught:
        download_model(name)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 500
    return sentence


def assert_complete(folder, files=FILES):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def has_weights(cached):
    return any(path.stat().st_size == len(WEIGHTS) for path in (cached.parents[1] / "blobs").glob("*"))


def test_a_model_arrives_in_the_cache_once(hub, cached):
    assert download_model(NAME) == cached
    assert_complete(cached)
    assert VisionTransformer.from_pretrained(cached).config == CONFIG
    assert hub.asked() == [("config.json", 0), ("model.safetensors", 0)]
    hub.requests.clear()
    assert resolve_model(NAME, download=True) == cached
    assert download_model(f"{NAME}@{hub.commit}") == cached
    assert hub.requests == []


def test_one_version_of_all_files(hub, cached):
    download_model(NAME)
    revisions = [path.split("/")[4] for _, path, _ in hub.requests if "resolve" in path]
    config, rest = revisions[:3], revisions[3:]
    assert config == ["main"] * 3
    assert set(rest) == {hub.commit}, "main may move while it is fetched"


def test_what_others_have_fetched_is_taken(hub, cached, library):
    hub.files |= {"preprocessor_config.json": b"{}", "processor_config.json": b"{}"}
    for file in hub.files:
        library.hf_hub_download(NAME, file)
    hub.requests.clear()
    assert download_model(NAME) == cached
    assert hub.requests == []


@pytest.mark.parametrize("offline", [False, True])
def test_a_model_in_the_cache_needs_no_flag_and_no_network(hub, cached, library, monkeypatch, capsys, offline):
    download_model(NAME)
    hub.requests.clear()
    hub.settings(offline=offline)
    assert resolve_model(NAME) == cached
    assert main(["info", NAME]) == 0
    said, told = capsys.readouterr()
    assert "Hugging Face" in said
    assert f"{NAME} is taken from the cache of huggingface.co, snapshot {hub.commit}" in told
    assert hub.requests == []


@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_a_preprocessor_that_others_did_not_fetch_is_asked_for(hub, cached, library, file):
    hub.files[file] = b"{}"
    for file in FILES:
        library.hf_hub_download(NAME, file)
    assert resolve_model(NAME) == cached, "where the network is not to be asked, what is there has to do"
    assert download_model(NAME) == cached
    assert_complete(cached, hub.files)


def test_that_there_is_no_preprocessor_is_kept_in_mind(hub, cached):
    download_model(NAME)
    hub.requests.clear()
    assert download_model(NAME) == cached
    assert hub.requests == []


def test_models_that_an_earlier_tinyvit_fetched_are_found(tmp_path):
    folder = tmp_path / "cache" / "models" / "owner" / "a-model@refs%2Fpr%2F1"
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYVIT_CACHE", str(tmp_path / "cache"))
        assert download_model(NAME + "@refs/pr/1") == folder


def test_a_revision_has_its_own_folder_and_is_quoted(hub, cached):
    hub.files["preprocessor_config.json"] = b"{}"
    hub.revisions.add("refs%2Fpr%2F1")
    hub.commit = "1" * 40
    hub.revisions.add(hub.commit)
    folder = download_model(NAME + "@refs/pr/1")
    assert folder == cached.parent / hub.commit
    assert_complete(folder, hub.files)


@pytest.mark.parametrize("name", ["owner/other", NAME, NAME + "@v2"])
def test_offline_only_the_cache_is_asked(hub, library, monkeypatch, name):
    hub.settings(offline=True)
    assert "is not in the cache of huggingface.co and HF_HUB_OFFLINE is set: unset it" in refusal(name)
    assert hub.requests == []


def test_offline_a_model_in_the_cache_is_taken(hub, cached, library, monkeypatch):
    hub.files["preprocessor_config.json"] = b"{}"
    download_model(NAME)
    (cached / "preprocessor_config.json").unlink()
    hub.settings(offline=True)
    assert download_model(NAME) == cached
    (cached / "model.safetensors").unlink()
    assert "is not in the cache of huggingface.co and HF_HUB_OFFLINE is set" in refusal()


@pytest.mark.parametrize("version", ["", "0.36.0", "1.4.1", "2.0.0rc1"])
def test_without_the_library_one_sentence_says_how_to_get_it(tmp_path, monkeypatch, capsys, version):
    def versions(name):
        if not version:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, "version", versions)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path))
    for flags, words in (
        (["--download"], "install huggingface_hub: python -m pip install 'huggingface_hub>=1.5,<2'"),
        ([], "add --download"),
    ):
        assert main(["info", "owner/other", *flags]) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1


def test_it_is_imported_only_when_a_name_is_fetched():
    for path in Path(sys.modules["tinyvit"].__file__).parent.rglob("*.py"):
        lines = path.read_text().splitlines()
        assert not [
            line for line in lines if line.startswith(("import huggingface", "from huggingface", "import httpx"))
        ]


def test_weights_in_several_files(hub, cached):
    arrays = {name: np.ascontiguousarray(array) for name, array in MODEL.parameters().items()}
    hub.files = {"config.json": json.dumps({"model_type": "tinyvit", **CONFIG.to_dict()}).encode()}
    places = {name: f"model-0000{index % 2 + 1}-of-00002.safetensors" for index, name in enumerate(arrays)}
    for file in set(places.values()):
        hub.files[file] = save({name: arrays[name] for name in arrays if places[name] == file})
    hub.files[INDEX] = json.dumps({"weight_map": places}).encode()
    download_model(NAME)
    assert_complete(cached, hub.files)
    hub.requests.clear()
    assert download_model(NAME) == cached
    assert hub.requests == []
    np.testing.assert_array_equal(VisionTransformer.from_pretrained(cached).pos_embed, MODEL.pos_embed)


@pytest.mark.parametrize("lost", [0, 1])
def test_weights_of_which_a_part_is_lost_are_fetched_again(hub, cached, lost):
    test_weights_in_several_files(hub, cached)
    part = cached / f"model-0000{lost + 1}-of-00002.safetensors"
    part.unlink()
    download_model(NAME)
    assert_complete(cached, hub.files)
    assert part.exists()


@pytest.mark.parametrize(
    "file", ["../../x.safetensors", "http://x/y.safetensors", "a/b.safetensors", "[*].safetensors"]
)
def test_an_index_leads_nowhere_else(hub, file):
    del hub.files["model.safetensors"]
    hub.files[INDEX] = json.dumps({"weight_map": {"a": file}}).encode()
    assert "beside it" in refusal()
    assert hub.asked()[-1][0] == INDEX


@pytest.mark.parametrize("honours_range", [True, False])
def test_a_cut_connection_ends_in_whole_files(hub, cached, library, monkeypatch, honours_range):
    monkeypatch.setattr(library.constants, "DOWNLOAD_CHUNK_SIZE", 500)
    hub.cut, hub.cuts, hub.honours_range = 7000, 2, honours_range
    with contextlib.suppress(UserError):  # some versions of the library go on by themselves
        download_model(NAME)
    hub.cuts = 0
    download_model(NAME)
    assert_complete(cached)


def test_after_a_cut_connection_the_next_call_goes_on(hub, cached):
    hub.cut_always = True
    assert "model.safetensors of owner/a-model could not be downloaded" in refusal()
    assert not (cached / "model.safetensors").exists()
    hub.cut_always = False
    download_model(NAME)
    assert_complete(cached)


def test_a_new_version_is_fetched_by_its_name_only(hub, cached):
    download_model(NAME)
    old = hub.commit
    hub.files = FILES | {"model.safetensors": b"a new version" + WEIGHTS[13:]}
    hub.commit = "1" * 40
    hub.revisions |= {hub.commit, "v2"}
    assert download_model(NAME) == cached, "as it was: main is what it was when it was fetched"
    newer = download_model(NAME + "@v2")
    assert newer == cached.parent / hub.commit
    assert_complete(newer, hub.files)
    assert_complete(cached.parent / old)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_wrong_content_is_never_kept(hub, cached, file):
    hub.etags[file] = f'"{"1" * (40 if file == "config.json" else 64)}"'
    assert f"{file} of {NAME} could not be downloaded" in (sentence := refusal())
    assert "not the checksum" in sentence
    assert not (cached / file).exists()
    assert not (cached.parents[1] / "blobs" / hub.etags[file].strip('"')).exists()
    del hub.etags[file]
    download_model(NAME)
    assert_complete(cached)


@pytest.mark.parametrize("etag", ['"nothing we know"', '"' + "A" * 64 + '"'])
def test_where_no_checksum_is_said_lengths_are_compared(hub, cached, etag):
    hub.etags["model.safetensors"] = etag
    download_model(NAME)
    assert (cached / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("refusals", "words"),
    [
        ({"config.json": (401, "GatedRepo")}, "a-model is gated: .*accept their terms at .*hf auth login"),
        ({"config.json": (403, "")}, "a-model is gated"),
        ({"config.json": (401, "")}, "no public model owner/a-model"),
        ({"config.json": (404, "")}, "no config.json of a model owner/a-model"),
        ({"model.safetensors": (404, "RevisionNotFound")}, "has no revision"),
        ({"model.safetensors": (500, "")}, "500.*: check the connection and run the same command again"),
        ({"model.safetensors": (404, "EntryNotFound")}, "has no weights"),
    ],
)
def test_a_refusal_is_explained(hub, refusals, words):
    hub.refusals = refusals
    with pytest.raises(UserError, match=words):
        download_model(NAME)


def test_names_that_are_not_there(hub):
    assert "no public model owner/another" in refusal("owner/another")
    assert "no revision v2" in refusal(NAME + "@v2")


def test_a_pickle_is_named_and_not_fetched(hub, cached):
    hub.files["pytorch_model.bin"] = hub.files.pop("model.safetensors")
    assert "only as a pickle" in refusal()
    assert hub.asked() == [("config.json", 0)]


def test_other_models_are_refused_before_their_weights_come(hub):
    hub.files["config.json"] = b'{"model_type": "llama"}'
    assert "'llama'" in refusal()
    assert hub.asked() == [("config.json", 0)]


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "processor_config.json"])
def test_what_is_too_large_is_not_begun(hub, file):
    hub.files[file] = bytes(10**7 + 1)
    assert "announces 10000001 bytes" in refusal()
    assert file not in [name for name, _ in hub.asked()]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://example.org/x", "redirects to http://example.org/x, which is not https"),
        ("//example.org/x", "not https"),
        ("ftp://localhost/x", "not https"),
        ("ftp://127.0.0.1/x", "could not be downloaded"),
        ("file:///etc/passwd", "could not be downloaded"),
        ("http://[x/", "Invalid IPv6 URL"),
    ],
)
def test_redirects_lead_to_safe_places_only(hub, place, words):
    hub.redirect = place
    assert words in refusal()
    assert "model.safetensors" not in [name for name, _ in hub.asked()]


@pytest.mark.parametrize(
    "endpoint", ["http://huggingface.co", "file:///tmp", "huggingface.co", "https://", "http://[x"]
)
def test_an_endpoint_must_be_https(hub, endpoint):
    hub.settings(endpoint)
    assert "HF_ENDPOINT must be an https address" in refusal()


def test_without_a_network(hub):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    hub.settings(f"http://127.0.0.1:{port}")
    assert "check the connection" in refusal()


@pytest.mark.parametrize(
    "name",
    ["", "model", "a/b/c", "../b", "a/..", "/a/b", "a/b@", "a/b@../c", "a/b@c//d", "a/b?x", "a/b#x", "a/b\n", "a\\b/c", "a/b%2f", ".a/b", "a/b.", "ä/b", "a/" + "b" * 97],
)  # fmt: skip
def test_a_name_is_strict(hub, name):
    assert "is no name of a model" in refusal(name)
    assert hub.requests == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_and_an_interrupt_leave_nothing_whole(hub, cached, library, monkeypatch, error):
    real = library.file_download.http_get

    def failing(url, temp_file, **options):
        if not url.endswith(".safetensors"):
            return real(url, temp_file, **options)
        temp_file.write(WEIGHTS[:1000])
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(library.file_download, "http_get", failing)
        if isinstance(error, OSError):
            assert "could not be written (No space left on device): free some space or set HF_HOME" in refusal()
        else:
            with pytest.raises(KeyboardInterrupt):
                download_model(NAME)
    assert not (cached / "model.safetensors").exists()
    download_model(NAME)
    assert_complete(cached)


def test_a_cache_that_cannot_be_read_is_a_sentence(hub, cached):
    download_model(NAME)
    (cached.parents[1] / "refs/main").write_bytes(b"\xff" * 40)
    assert "the cache of huggingface.co cannot be read" in refusal()


def test_a_cache_that_cannot_be_written_is_a_sentence(hub, tmp_path):
    (tmp_path / "hf").write_bytes(b"")
    assert "could not be written" in refusal()


def test_what_resolves_without_a_network(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "a-model").mkdir(parents=True)
    assert resolve_model(NAME, download=True) == Path(NAME), "a folder of that name comes first"
    with pytest.raises(UserError, match=r"owner/other is no folder .* add --download"):
        resolve_model("owner/other")
    assert resolve_model("nowhere") == Path("nowhere")  # open_source says what is wrong
    assert hub.requests == []


def test_finetune_downloads_when_it_is_told_to(hub, cached, monkeypatch, capsys):
    def finetune(config, **_options):
        raise UserError(f"starts from {config.pretrained}")

    module = types.SimpleNamespace(finetune=finetune, resume_finetuning=None)
    monkeypatch.setitem(sys.modules, "tinyvit.training.finetuning", module)
    for flags, words in (
        (["--model", NAME], "add --download"),
        (["--model", NAME, "--download"], f"starts from {cached}"),
        (["--resume", "run", "--download"], "got also: download"),
    ):
        assert main(["finetune", *flags]) == 2
        assert words in capsys.readouterr().err


def test_convert_downloads_when_it_is_told_to(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["convert", NAME, "out"]) == 2
    assert "add --download" in capsys.readouterr().err
    assert hub.requests == []
    assert main(["convert", NAME, "out", "--download"]) == 0
    again = VisionTransformer.from_pretrained("out")
    np.testing.assert_array_equal(again.head.weight, MODEL.head.weight)


@pytest.mark.parametrize("header", ["ETag", "X-Repo-Commit"])
def test_a_page_to_log_in_is_no_hub(hub, cached, header):
    right, hub.files["config.json"] = hub.files["config.json"], b"<html>log in</html>"
    hub.hidden = {header}
    assert "config.json of owner/a-model could not be downloaded" in (sentence := refusal())
    assert "perhaps with a page to log in" in sentence
    hub.files["config.json"], hub.hidden = right, set()
    assert_complete(download_model(NAME))


@pytest.mark.parametrize("content", [b"<html>log in</html>", b" ", b"not json", b'{"a":' * 10**5])
def test_a_config_that_is_no_json_is_fetched_anew_the_next_time(hub, cached, content):
    right, hub.files["config.json"] = hub.files["config.json"], content
    assert "config.json is not valid JSON" in refusal()
    hub.files["config.json"] = right
    assert_complete(download_model(NAME))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_what_is_damaged_in_the_cache_is_fetched_anew(hub, cached, file):
    hub.files["preprocessor_config.json"] = b"{}"
    download_model(NAME)
    (cached / file).resolve().write_bytes(b"damaged")
    (cached / "preprocessor_config.json").unlink()  # or else there would be nothing to ask for
    download_model(NAME)
    assert_complete(cached, hub.files)


@pytest.mark.slow
@pytest.mark.process
def test_the_variables_that_its_users_know(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TINYVIT_CACHE")

    def info(*flags, **variables):
        arguments = [sys.executable, "-m", "tinyvit", "info", NAME, *flags]
        return subprocess.run(arguments, env=os.environ | variables, capture_output=True, check=False).returncode

    assert info("--download", HF_ENDPOINT=hub.front.url) == 0
    assert (tmp_path / "home/hub/models--owner--a-model/snapshots" / hub.commit / "model.safetensors").exists()
    hub.requests.clear()
    assert info(HF_ENDPOINT=hub.front.url, HF_HUB_OFFLINE="1") == 0
    assert hub.requests == []


def test_variables_the_library_does_not_take_are_a_sentence(hub, monkeypatch):
    library = types.ModuleType("huggingface_hub")

    def no_constants(name):
        raise ValueError("invalid literal for int() with base 10: 'soon'")

    library.__getattr__ = no_constants
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    assert "'soon'): correct or unset the environment variables HF_..." in refusal()


def test_an_index_of_countless_files_is_not_fetched(hub, cached):
    del hub.files["model.safetensors"]
    hub.files[INDEX] = json.dumps({"weight_map": {str(k): f"m{k}.safetensors" for k in range(2000)}}).encode()
    assert "names 2,000 files, more than the 1,000" in refusal()
    assert hub.asked()[-1][0] == INDEX


def test_several_processes_that_want_one_model_fetch_it_once(hub, cached):
    """Threads stand for processes: a lock tells them apart, too."""
    got, begin = [], threading.Barrier(4)

    def fetch():
        begin.wait()
        got.append(download_model(NAME))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [cached] * 4
    assert {path.name for path in cached.iterdir()} == FILES.keys()
    assert [name for name, _ in hub.asked()].count("model.safetensors") == 1
