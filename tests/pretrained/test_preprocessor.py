"""Which of two files says how images are prepared, and what is said where they disagree or are damaged."""

import json

import numpy as np
import pytest
from PIL import Image

from tinyvit import UserError, VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.images.processor import ImageProcessor
from tinyvit.pretrained import folder_files, open_checkpoint, save_npz
from tinyvit.pretrained.preprocessor import PROCESSOR, notes_on_preprocessor
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.storage.folders import write_folder

CONFIG = ViTConfig(img_size=8, patch_size=4, num_classes=3, embed_dim=16, depth=1, num_heads=2)
ONE = {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}, "image_mean": [0.1, 0.2, 0.3]}
OTHER = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 10}, "crop_size": 8}


@pytest.fixture
def folder(tmp_path):
    """Writes a model's folder with the files that are given as JSON, or as they are; returns its path."""

    def write(processor=None, preprocessor=None, family="hf"):
        model = VisionTransformer(CONFIG, rng=np.random.default_rng(0))
        write_folder(tmp_path / "model", folder_files(CONFIG, model.parameters(), family))
        for name, content in ((PROCESSOR, processor), (PREPROCESSOR, preprocessor)):
            if content is not None:
                encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
                (tmp_path / "model" / name).write_bytes(encoded)
        return tmp_path / "model"

    return write


@pytest.mark.parametrize(
    ("processor", "preprocessor", "taken"),
    [
        ({"image_processor": ONE}, None, ONE),
        ({"image_processor": OTHER, "tokenizer": {"size": 3}}, None, OTHER),
        ({"image_processor": ONE}, OTHER, ONE),
        ({"image_processor": OTHER}, ONE, OTHER),
        ({"processor_class": "CLIPProcessor"}, OTHER, OTHER),  # as transformers 4 wrote it
        ({"image_processor": None}, OTHER, OTHER),
        ({"feature_extractor": ONE}, OTHER, OTHER),
        ({}, ONE, ONE),
        (None, OTHER, OTHER),
        ({"image_processor": None}, None, {}),
    ],
)
def test_the_one_for_all_kinds_of_input_comes_first(folder, processor, preprocessor, taken):
    checkpoint = open_checkpoint(folder(processor, preprocessor))
    assert checkpoint.preprocessor == taken
    assert checkpoint.processor() == ImageProcessor.from_dict(taken).for_size((8, 8))


@pytest.mark.parametrize(
    ("processor", "preprocessor", "disagree"),
    [
        ({"image_processor": ONE}, OTHER, True),
        ({"image_processor": {**ONE, "image_mean": [0.1, 0.2, 0.4]}}, ONE, True),
        ({"image_processor": ONE}, {"image_processor_type": "DonutImageProcessor"}, True),
        ({"image_processor": ONE}, b"not JSON", True),
        ({"image_processor": {}}, ONE, True),
        ({"image_processor": ONE}, ONE, False),
        ({"image_processor": ONE}, {**ONE, "image_processor_type": "ViTImageProcessorFast"}, False),
        ({"image_processor": {**ONE, "size": 8}}, {**ONE, "data_format": "channels_first"}, False),
        ({"image_processor": ONE}, None, False),
        ({"processor_class": "CLIPProcessor"}, OTHER, False),
        (None, OTHER, False),
    ],
)
def test_that_two_files_disagree_is_said_once(folder, capsys, processor, preprocessor, disagree):
    path = folder(processor, preprocessor)
    assert main(["info", str(path)]) == 0
    said = capsys.readouterr().err
    assert said.count("the first is taken, as in transformers") == disagree
    assert bool(said) == disagree


@pytest.mark.parametrize(("family", "is_said"), [("hf", True), ("timm", False)])
def test_a_cache_that_lacks_how_images_are_prepared_is_told(folder, tmp_path, capsys, family, is_said):
    """timm says it in config.json."""
    snapshots = tmp_path / "models--a--b" / "snapshots"
    snapshots.mkdir(parents=True)
    folder(family=family).rename(snapshots / "c0ffee")
    assert main(["info", str(snapshots.parent)]) == 0
    assert ("has no preprocessor_config.json, or it was not downloaded" in capsys.readouterr().err) == is_said


@pytest.mark.parametrize(
    ("family", "preprocessor", "is_assumed"),
    [("hf", None, True), ("tinyvit", None, True), ("hf", ONE, False), ("timm", None, False), ("npz", None, True)],
)
def test_that_no_file_says_how_images_are_prepared_is_told(folder, tmp_path, family, preprocessor, is_assumed):
    if family == "npz":
        path = tmp_path / "model.npz"
        config = CONFIG.with_head(3)
        save_npz(path, config, VisionTransformer(config, rng=np.random.default_rng(0)).parameters())
    else:
        path = folder(None, preprocessor, family)
    said = open_checkpoint(path).assumption
    assert said == (
        f"{path} has no {PREPROCESSOR}: images are prepared as is usual for such models" if is_assumed else ""
    )


@pytest.mark.parametrize("preprocessor", [None, ONE])
def test_verbs_that_take_images_tell_once_what_is_assumed(folder, tmp_path, capsys, preprocessor):
    path = str(folder(None, preprocessor))
    pictures = tmp_path / "photos"
    for name in ("LABEL_0", "LABEL_1", "LABEL_2"):
        (pictures / name).mkdir(parents=True)
        for index in range(4):
            Image.new("RGB", (9, 9), (50 * index, 90, 200)).save(pictures / name / f"{index}.png")
    run = ["--data-dir", str(pictures), "--output", str(tmp_path / "run"), "--epochs", "1", "--threads", "1"]
    for words, is_told in (
        (["info", path], False),
        (["predict", path, str(pictures)], True),
        (["eval", path, "--data-dir", str(pictures)], True),
        (["finetune", "--model", path, *run], True),
        (["predict", str(tmp_path / "run"), str(pictures)], False),
    ):
        assert main(words) == 0
        said = "".join(capsys.readouterr())
        assert said.count("images are prepared as is usual") == (is_told and preprocessor is None), words


@pytest.mark.parametrize(
    ("processor", "words"),
    [
        (b"", "processor_config.json is not valid JSON"),
        (b"not JSON", "processor_config.json is not valid JSON"),
        (b'{"image_processor": ' * 10**5, "processor_config.json is not valid JSON"),
        ([ONE], "processor_config.json must hold a JSON object, got list"),
        ({"image_processor": [ONE]}, "image_processor in .*processor_config.json must map names to values"),
        ({"image_processor": "ViTImageProcessor"}, "image_processor in .* got 'ViTImageProcessor': correct it"),
        ({"image_processor": False}, "got False"),
        ({"image_processor": {"image_processor_type": 3}}, "an image processor of type 3 is not known"),
        ({"image_processor": {"image_processor_type": "Evil\u001b[31m"}}, "is not known"),
        ({"image_processor": {**ONE, "size": {"height": 10**9, "width": 8}}}, "size"),
        ({"image_processor": {**ONE, "image_mean": ["a", None]}}, "image_mean"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(folder, capsys, processor, words):
    path = folder(processor, ONE)
    with pytest.raises(UserError, match=words):
        open_checkpoint(path).processor()
    assert main(["info", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.strip().isprintable()


def test_a_folder_in_the_place_of_the_file_is_no_file(folder):
    path = folder(None, ONE)
    (path / PROCESSOR).mkdir()
    assert open_checkpoint(path).preprocessor == ONE
    assert list(notes_on_preprocessor(path)) == []


@pytest.mark.parametrize(
    ("family", "kind"), [("hf", "ViT"), ("deit", "DeiT"), ("dinov2", "Bit"), ("clip", "CLIP"), ("siglip", "Siglip")]
)
@pytest.mark.parametrize("named", [{}, {"image_processor_type": None}, {"feature_extractor_type": None}])
def test_a_file_without_a_type_means_the_one_of_its_family(folder, family, kind, named):
    checkpoint = open_checkpoint(folder({"image_processor": {"size": 300, **named}}))._replace(family=family)
    wanted = ImageProcessor.from_dict({"size": 300, "image_processor_type": f"{kind}ImageProcessor"})
    assert checkpoint.processor() == wanted.for_size((8, 8))
    said = {"size": 300, "feature_extractor_type": "ViTFeatureExtractor"}
    assert checkpoint._replace(preprocessor=said).processor() == ImageProcessor(size=(300, 300)).for_size((8, 8))
