"""Answers of a classifier's page: the numbers of `tinyvit.looking`, by the names that the page knows."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.page.conftest import SHIPPED
from tinyvit import VisionTransformer, ViTConfig, load_dataset, looking
from tinyvit.datasets import normalize
from tinyvit.page import open_studio
from tinyvit.pretrained import save_model_folder

KINDS = {
    "mean": {"pool": "mean"},
    "registers": {"num_registers": 2, "pool": "mean"},
    "no blocks": {"depth": 0},
    "layer scale, rectangle": {"layer_scale": 0.1, "img_size": (16, 24)},
    "conv stem": {"stem": "conv"},
    "no class token": {"class_token": False, "pool": "mean"},
}


def saved(folder, **changes):
    config = ViTConfig(img_size=16, patch_size=8, in_chans=3, num_classes=3, embed_dim=8, depth=2, num_heads=2)
    config = ViTConfig(**config.to_dict() | changes)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    for array in model.parameters().values():
        array[...] = np.random.default_rng(array.size).normal(0, 0.5, array.shape)
    save_model_folder(folder, config, model.parameters(), class_names=[*"abc"])
    return folder


@pytest.fixture(scope="module")
def digit():
    return load_dataset("mnist").test.images[7]


@pytest.fixture(scope="module")
def seen(digit):
    dataset = load_dataset("mnist")
    x = normalize(digit[None], dataset.mean, dataset.std)
    return looking.look(VisionTransformer.from_pretrained(SHIPPED), x)


def test_about(page):
    about = json.loads(page("GET", "/about")[2])
    assert (about["name"], about["task"], about["parameters"]) == ("mnist-vit", "classify", 135818)
    assert about["class_names"] == [*"0123456789"]
    assert (about["drawn"], about["multi_label"], about["watching"]) == (True, False, False)
    assert (about["examples"], about["engine"]) == (10000, "NumPy on this machine")
    np.testing.assert_allclose(about["fill"], [-0.1307 / 0.3081], rtol=1e-6)
    assert ViTConfig(**about["config"]).grid_size == (7, 7)


@pytest.mark.parametrize("target", [None, 3])
def test_look(page, digit, seen, target):
    query = "" if target is None else f"?target={target}"
    arrays, metadata = page.arrays("POST", f"/look{query}", digit.tobytes())
    target = int(seen.logits.argmax()) if target is None else target
    assert int(metadata["target"]) == target
    grads, rows = seen.backward(target), looking.readers(seen)
    paint = np.float32(-0.1307 / 0.3081)
    maps = looking.attribution_maps(seen, target, fill=np.full((1, 1, 1), paint))
    wanted = {
        "logits": seen.logits[0],
        "lens": looking.logit_lens(seen)[:, 0],
        "parts": looking.logit_parts(seen, target)[0],
        "last_attention": maps["last attention"][0],
        "rollout": maps["rollout"][0],
        "gradient_x_input": maps["gradient x input"][0],
        "dimage": grads.images[0],
        "relevance": [
            looking.attention_relevance(seen.attention[b:], grads.attention[b:], rows)[0, 1:].reshape(7, 7)
            for b in range(4)
        ],
    }
    assert {*arrays} == {*wanted, "probs"}
    for name, array in wanted.items():
        np.testing.assert_allclose(arrays[name], array, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(arrays["probs"].sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(arrays["parts"].sum(), arrays["logits"][target], atol=1e-4)


def test_questions_about_a_look(page, digit, seen):
    number = page.arrays("POST", "/look", digit.tobytes())[1]["number"]
    about, target = f"number={number}", int(seen.logits.argmax())
    token, _ = page.arrays("GET", f"/token?{about}&token=9")
    np.testing.assert_allclose(token["attention"], np.stack(seen.attention)[:, 0, :, 9], atol=1e-6)
    np.testing.assert_allclose(token["similarity"][2], looking.token_similarity(seen.states[2], 9)[0], atol=1e-5)
    cover, metadata = page.arrays("GET", f"/cover?{about}&target={target}")
    assert cover["cover"].shape == (7, 7)
    assert metadata["names"].split(",") == [
        "last attention",
        "rollout",
        "relevance",
        "input gradient",
        "gradient x input",
    ]
    assert (np.abs(cover["agreement"]) <= 1).all()
    late, _ = page.arrays("GET", f"/cover?{about}&target={target}&from=2")
    relevance = page.arrays("POST", f"/look?target={target}", digit.tobytes())[0]["relevance"][2]
    np.testing.assert_allclose(late["agreement"][2], looking.rank_correlation(relevance, late["cover"]), atol=1e-6)
    np.testing.assert_array_equal(np.delete(late["agreement"], 2), np.delete(cover["agreement"], 2))
    moved, _ = page.arrays("GET", f"/adversarial?{about}&target={target}&epsilon=30")
    again, _ = page.arrays("POST", "/look", moved["pixels"].astype(np.uint8).tobytes())
    assert again["logits"][target] < seen.logits[0, target] - 1
    assert np.abs(moved["pixels"] - digit).max() <= 30


def test_backward_of_a_head(page, digit, seen):
    number = page.arrays("POST", "/look", digit.tobytes())[1]["number"]
    arrays, metadata = page.arrays("GET", f"/backward?number={number}&target=5&block=3&head=1&token=0")
    grads = seen.backward(5)
    wanted = looking.attention_gradients(seen, grads, 3, 1, 0)._asdict()
    of_norm = looking.norm_gradients(seen, grads, 3, 0)._asdict()
    np.testing.assert_allclose(float(metadata["rstd"]), of_norm.pop("rstd"), rtol=1e-5)
    wanted |= {f"norm_{name}": array for name, array in of_norm.items()}
    assert arrays.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(arrays[name], array, rtol=1e-3, atol=1e-6, err_msg=name)


def test_heads_off(page, digit, seen):
    arrays, metadata = page.arrays("POST", "/look?off=3.0,1.2,3.0", digit.tobytes())
    without = looking.without_heads(VisionTransformer.from_pretrained(SHIPPED), [(3, 0), (1, 2)])
    np.testing.assert_allclose(arrays["logits"], without.predict(seen.images)[0], atol=1e-4)
    np.testing.assert_allclose(arrays["logits_all_heads"], seen.logits[0], atol=1e-4)
    page.arrays("GET", f"/cover?number={metadata['number']}")
    assert "heads" in page.sentence("POST", "/look?off=9.9", digit.tobytes())[1]


def test_examples(page):
    images = load_dataset("mnist").test
    for index, place in ((0, 3), (3, 18), (9, 7), (10, 5), (9999, 9999)):  # one of each class, then the others
        arrays, metadata = page.arrays("GET", f"/example?index={index}")
        np.testing.assert_array_equal(arrays["pixels"], images.images[place])
        assert metadata["label"] == str(images.labels[place])
    for index in ("-1", "10000"):
        assert "10,000 of them" in page.sentence("GET", f"/example?index={index}")[1]


def test_an_image_of_ones_own(page, digit):
    file = io.BytesIO()
    Image.fromarray(digit[0]).resize((140, 140)).save(file, "PNG")
    arrays, metadata = page.arrays("POST", "/image", file.getvalue())
    assert arrays["pixels"].shape == (1, 28, 28)
    assert metadata["done"]
    assert np.corrcoef(arrays["pixels"].ravel(), digit.ravel())[0, 1] > 0.8


def test_of_a_film_the_first_picture(page, digit):
    file, frames = io.BytesIO(), [Image.fromarray(np.roll(digit[0], k, 1)).resize((140, 140)) for k in range(3)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    arrays, metadata = page.arrays("POST", "/image", file.getvalue())
    assert metadata["done"].endswith("; the first of several pictures in the file")
    assert np.corrcoef(arrays["pixels"].ravel(), digit.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not an image that can be read"),
        (b"GIF89a", "not an image that can be read"),
        (b"%!PS-Adobe\n(hello) show", "not an image that can be read"),
        (b"<svg onload='alert(1)'/>", "not an image that can be read"),
    ],
)
def test_images_that_are_none(page, content, sentence):
    status, said = page.sentence("POST", "/image", content)
    assert status == 400
    assert sentence in said
    assert "tmp" not in said


def test_an_image_with_no_digit(page):
    file = io.BytesIO()
    Image.new("L", (64, 64), 255).save(file, "PNG")
    assert page.sentence("POST", "/image", file.getvalue())[1].startswith("no digit can be seen in the image")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/token?number=0&token=0", "look 0 is no longer known"),
        ("/token?number=x&token=0", "number must be a whole number, got 'x'"),
        ("/token?token=0", "number must be a whole number"),
        ("/token?number={n}&token=50", "no token 50"),
        ("/token?number={n}&token=-1", "no token -1"),
        ("/cover?number={n}&target=10", "a class from 0 to 9"),
        ("/cover?number={n}&target=1e9", "target must be a whole number"),
        ("/cover?number={n}&from=4", "no block 4"),
        ("/backward?number={n}&block=4&head=0&token=0", "no block 4"),
        ("/backward?number={n}&block=0&head=0&token=99", "no token 99"),
        ("/backward?number={n}&block=0&head=4&token=0", "no head 4"),
        ("/adversarial?number={n}&epsilon=256", "from 0 to 255"),
        ("/adversarial?number={n}&epsilon=1.5", "epsilon must be a whole number"),
        ("/token?" + "&".join("a=1" for _ in range(40)), "more than 16 fields"),
        ("/token?number=" + "9" * 5000, "4096 characters"),
    ],
)
def test_questions_that_make_no_sense(page, digit, path, sentence):
    number = page.arrays("POST", "/look", digit.tobytes())[1]["number"]
    status, said = page.sentence("GET", path.format(n=number))
    assert status == 400
    assert sentence in said


def test_pixels_of_another_size(page):
    for size in (0, 783, 785):
        status, said = page.sentence("POST", "/look", bytes(size))
        assert (status, "784 bytes" in said) == (400, True)


def test_the_last_eight_looks_are_known(page, digit):
    numbers = [page.arrays("POST", "/look", digit.tobytes())[1]["number"] for _ in range(9)]
    assert "no longer known" in page.sentence("GET", f"/token?number={numbers[0]}&token=0")[1]
    for number in numbers[1:]:
        page.arrays("GET", f"/token?number={number}&token=0")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model(kind, open_page, tmp_path, rng):
    studio = open_studio(saved(tmp_path / "model", **KINDS[kind]))
    page, config = open_page(studio), studio.config
    pixels = rng.integers(0, 256, config.input_shape, dtype=np.uint8)
    arrays, metadata = page.arrays("POST", "/look?target=1", pixels.tobytes())
    assert arrays["relevance"].shape == (config.depth, *config.grid_size)
    np.testing.assert_allclose(arrays["parts"].sum(), arrays["logits"][1], rtol=1e-3, atol=1e-4)
    about = f"number={metadata['number']}"
    token, _ = page.arrays("GET", f"/token?{about}&token={config.num_tokens - 1}")
    assert token["attention"].shape == (config.depth, config.num_heads, config.num_tokens)
    cover, _ = page.arrays("GET", f"/cover?{about}&target=1")
    assert cover["agreement"].shape == (5 if config.depth else 2,)
    page.arrays("GET", f"/adversarial?{about}&epsilon=10")
    if config.depth:
        page.arrays("GET", f"/backward?{about}&target=1&block=1&head=0&token=0")
    else:
        assert "no block 0" in page.sentence("GET", f"/backward?{about}&target=1&block=0&head=0&token=0")[1]


def test_answers_that_are_no_numbers(open_page, tmp_path):
    folder = saved(tmp_path / "model")
    model = VisionTransformer.from_pretrained(folder)
    for array in model.parameters().values():
        array[...] = 3e38
    save_model_folder(folder, model.config, model.parameters(), class_names=[*"abc"])
    page = open_page(open_studio(folder))
    assert "not a number (NaN)" in page.sentence("POST", "/look", bytes(768))[1]
