"""Models by name, from a hub on this machine that does as huggingface.co does, or worse."""

import errno
import json
import socket
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tinyvit import UserError, VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.downloads.fetch import receive
from tinyvit.pretrained import folder_files, resolve_model
from tinyvit.pretrained.download import download_model
from tinyvit.pretrained.weights import INDEX
from tinyvit.storage.locks import FileLock
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
def received(monkeypatch):
    """The files whose bytes were read, in order, and from which byte on."""
    calls = []

    def noted(response, part, start, *, title, **options):
        calls.append((title, start))
        receive(response, part, start, title=title, **options)

    monkeypatch.setattr("tinyvit.pretrained.hub.receive", noted)
    return calls


@pytest.fixture
def cached(tmp_path):
    return tmp_path / "cache" / "models" / "owner" / "a-model@main"


def begun(cached):
    """What an interrupted call left, by name."""
    return {path.name: path.read_bytes() for path in (cached.parent / ".a-model@main.tinyvit-writing").iterdir()}


def refusal(name=NAME, **options):
    with pytest.raises(UserError) as caught:
        download_model(name, **options)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 500
    return sentence


def assert_complete(folder, files=FILES):
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_model_arrives_in_the_cache_and_is_not_asked_for_again(hub, cached):
    assert download_model(NAME) == cached
    assert_complete(cached)
    assert VisionTransformer.from_pretrained(cached).config == CONFIG
    assert hub.asked() == [("config.json", 0), ("preprocessor_config.json", 0), ("model.safetensors", 0)]
    assert resolve_model(NAME, download=True) == cached
    assert len(hub.asked()) == 3


def test_one_version_of_all_files(hub, cached):
    download_model(NAME)
    revisions = [path.split("/")[4] for path, _ in hub.requests if "resolve" in path]
    assert revisions == ["main", hub.commit, hub.commit], "main may move while it is fetched"


def test_a_revision_has_its_own_folder_and_is_quoted(hub, cached, tmp_path):
    hub.files["preprocessor_config.json"] = b"{}"
    hub.revisions.add("refs%2Fpr%2F1")
    folder = download_model(NAME + "@refs/pr/1")
    assert folder == cached.parent / "a-model@refs%2Fpr%2F1"
    assert_complete(folder, hub.files)
    assert download_model(NAME, folder=tmp_path / "mine") == tmp_path / "mine"
    assert "stays as it is" in refusal(folder=tmp_path / "mine")


def test_weights_in_several_files(hub, cached):
    arrays = {name: np.ascontiguousarray(array) for name, array in MODEL.parameters().items()}
    hub.files = {"config.json": json.dumps({"model_type": "tinyvit", **CONFIG.to_dict()}).encode()}
    places = {name: f"model-0000{index % 2 + 1}-of-00002.safetensors" for index, name in enumerate(arrays)}
    for file in set(places.values()):
        hub.files[file] = save({name: arrays[name] for name in arrays if places[name] == file})
    hub.files[INDEX] = json.dumps({"weight_map": places}).encode()
    download_model(NAME)
    assert_complete(cached, hub.files)
    np.testing.assert_array_equal(VisionTransformer.from_pretrained(cached).pos_embed, MODEL.pos_embed)


@pytest.mark.parametrize(
    "file", ["../../x.safetensors", "http://x/y.safetensors", "a/b.safetensors", "[*].safetensors"]
)
def test_an_index_leads_nowhere_else(hub, file):
    del hub.files["model.safetensors"]
    hub.files[INDEX] = json.dumps({"weight_map": {"a": file}}).encode()
    assert "beside it" in refusal()
    assert hub.asked()[-1][0] == INDEX


def test_a_cut_connection_keeps_what_came_and_the_next_call_goes_on(hub, cached, received):
    hub.cut = len(WEIGHTS) // 3
    assert f"cut after {hub.cut} of {len(WEIGHTS)} bytes" in refusal()
    (part,) = (content for name, content in begun(cached).items() if name.endswith(".part"))
    assert part == WEIGHTS[: hub.cut]
    assert not cached.exists()
    hub.cut = 0
    download_model(NAME)
    assert_complete(cached)
    assert received == [("config.json", 0), ("model.safetensors", 0), ("model.safetensors", len(part))]


def test_a_server_that_ignores_the_range_sends_it_all(hub, cached):
    hub.cut = 1000
    refusal()
    hub.cut, hub.honours_range = 0, False
    download_model(NAME)
    assert_complete(cached)


def test_what_was_begun_of_another_version_is_thrown_away(hub, cached, received):
    hub.cut = 1000
    refusal()
    received.clear()
    hub.cut, hub.files = 0, FILES | {"model.safetensors": b"a new version" + WEIGHTS[13:]}
    hub.files["config.json"] = FILES["config.json"].replace(b"0.02", b"0.03")
    hub.commit = "1" * 40
    hub.revisions.add(hub.commit)
    download_model(NAME)
    assert_complete(cached, hub.files)
    assert hub.asked()[-2:] == [("model.safetensors", 1000), ("model.safetensors", 0)]
    assert received == [("config.json", 0), ("model.safetensors", 0)]


@pytest.mark.parametrize("damage", ["other bytes", "whole", "longer"])
def test_a_beginning_is_judged_by_the_checksum(hub, cached, damage):
    hub.cut = 1000
    refusal()
    hub.cut = 0
    (path,) = (cached.parent / ".a-model@main.tinyvit-writing").glob("*.part")
    path.write_bytes({"other bytes": bytes(500), "whole": WEIGHTS, "longer": WEIGHTS + b"more"}[damage])
    download_model(NAME)
    assert_complete(cached)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_wrong_content_is_never_kept(hub, cached, file):
    hub.etags[file] = f'"{"1" * (40 if file == "config.json" else 64)}"'
    assert f"{file} of {NAME} could not be downloaded" in (sentence := refusal())
    assert "not the checksum" in sentence
    assert file not in begun(cached)
    assert not [name for name in begun(cached) if name.endswith(".part")]


@pytest.mark.parametrize("etag", ["", '"nothing we know"', '"' + "A" * 64 + '"'])
def test_where_no_checksum_is_said_lengths_are_compared_and_nothing_is_resumed(hub, cached, etag):
    hub.etags["model.safetensors"], hub.cut = etag, 1000
    assert "cut after 1000" in refusal()
    hub.cut = 0
    download_model(NAME)
    assert hub.asked()[-1] == ("model.safetensors", 0)
    assert (cached / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("refusals", "words"),
    [
        ({"config.json": (401, "GatedRepo")}, "a-model is gated: .*accept their terms at"),
        ({"config.json": (403, "")}, "a-model is gated"),
        ({"config.json": (401, "")}, "no public model owner/a-model"),
        ({"config.json": (404, "")}, "no config.json of a model owner/a-model"),
        ({"model.safetensors": (404, "RevisionNotFound")}, "has no revision"),
        ({"model.safetensors": (500, "")}, r"HTTP 500.*\(it goes on where it stopped\)"),
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
    assert list(begun(cached)) == ["config.json"]


def test_other_models_are_refused_before_their_weights_come(hub):
    hub.files["config.json"] = b'{"model_type": "llama"}'
    assert "'llama'" in refusal()
    assert hub.asked() == [("config.json", 0)]


def test_what_is_too_large_is_not_begun(hub, cached):
    hub.files["config.json"] = bytes(10**7 + 1)
    assert "announces 10000001 bytes" in refusal()
    assert begun(cached) == {}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://example.org/x", "redirects to http://example.org/x, which is not https"),
        ("//example.org/x", "not https"),
        ("ftp://127.0.0.1/x", "not https"),
        ("file:///etc/passwd", "not allowed"),
        ("http://[x/", "Invalid IPv6 URL"),
    ],
)
def test_redirects_lead_to_safe_places_only(hub, place, words):
    hub.redirect = place
    assert words in refusal()


@pytest.mark.parametrize(
    "endpoint", ["http://huggingface.co", "file:///tmp", "huggingface.co", "https://", "http://[x"]
)
def test_an_endpoint_must_be_https(hub, monkeypatch, endpoint):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert "HF_ENDPOINT must be an https address" in refusal()


def test_without_a_network(hub, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    assert "check the connection" in refusal()


@pytest.mark.parametrize(
    "name",
    ["", "model", "a/b/c", "../b", "a/..", "/a/b", "a/b@", "a/b@../c", "a/b@c//d", "a/b?x", "a/b#x", "a/b\n", "a\\b/c", "a/b%2f", ".a/b", "a/b.", "ä/b", "a/" + "b" * 97],
)  # fmt: skip
def test_a_name_is_strict(hub, name):
    assert "is no name of a model" in refusal(name)
    assert hub.requests == []


def fail_while_writing(monkeypatch, error):
    """Files take one chunk and then fail."""
    real_open = Path.open

    def failing_open(path, mode="r", *args):
        file = real_open(path, mode, *args)
        if path.name.startswith("model.") and mode in ("wb", "ab"):
            write = file.write

            class Failing:
                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    file.close()

                def write(self, chunk):
                    if file.tell():
                        raise error
                    return write(chunk[:1000])

            return Failing()
        return file

    monkeypatch.setattr(Path, "open", failing_open)
    monkeypatch.setattr("tinyvit.downloads.fetch.CHUNK_BYTES", 1000)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_and_an_interrupt_leave_a_beginning(hub, cached, monkeypatch, error):
    with monkeypatch.context() as patch:
        fail_while_writing(patch, error)
        if isinstance(error, OSError):
            assert "could not be written (No space left on device): free some space" in refusal()
        else:
            with pytest.raises(KeyboardInterrupt):
                download_model(NAME)
    assert not cached.exists()
    (part,) = (content for name, content in begun(cached).items() if name.endswith(".part"))
    assert part == WEIGHTS[:1000]
    download_model(NAME)
    assert_complete(cached)
    assert hub.asked()[-1] == ("model.safetensors", 1000)


def test_what_resolves_without_a_network(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "a-model").mkdir(parents=True)
    assert resolve_model(NAME, download=True) == Path(NAME), "a folder of that name comes first"
    with pytest.raises(UserError, match=r"owner/other is no folder .* add --download"):
        resolve_model("owner/other")
    assert resolve_model("nowhere") == Path("nowhere")  # open_checkpoint says what is wrong
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


@pytest.mark.parametrize("page", [b"<html>log in</html>", b" ", b"not json", b'{"a":' * 10**5])
def test_a_page_to_log_in_is_no_config(hub, cached, page):
    right, hub.files["config.json"] = hub.files["config.json"], page
    hub.etags["config.json"] = ""
    assert "what it sends is no JSON, perhaps a page to log in" in refusal()
    assert begun(cached) == {}
    hub.files["config.json"] = right
    assert_complete(download_model(NAME))


def test_an_index_of_countless_files_is_not_fetched(hub, cached):
    del hub.files["model.safetensors"]
    hub.files[INDEX] = json.dumps({"weight_map": {str(k): f"m{k}.safetensors" for k in range(2000)}}).encode()
    assert "names 2,000 files, more than the 1,000" in refusal()
    assert hub.asked()[-1][0] == INDEX


def test_several_processes_that_want_one_model_fetch_it_once(hub, cached, capfd, received):
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
    assert [name for name, _ in received].count("model.safetensors") == 1
    assert [path.name for path in cached.parent.iterdir()] == [cached.name]


def test_one_that_waits_goes_on_where_another_failed(hub, cached, monkeypatch, capfd):
    writing = cached.parent / f".{cached.name}.tinyvit-writing"
    writing.mkdir(parents=True)
    (writing / "config.json").write_bytes(FILES["config.json"])
    lock = FileLock(writing)
    waiting = threading.Thread(target=download_model, args=(NAME,))
    waiting.start()
    while "waiting for it" not in capfd.readouterr().err:
        waiting.join(0.01)
    lock.close()
    waiting.join()
    assert cached.is_dir()
