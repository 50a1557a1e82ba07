"""The picture of the whole model: drawn from its config, for models of every kind, marked as chosen, never too wide."""

import re

import pytest

from tinyvit import ViTConfig

pytestmark = [pytest.mark.slow, pytest.mark.process]
SMALL = {"img_size": 28, "patch_size": 4, "in_chans": 1, "num_classes": 10, "embed_dim": 64, "depth": 4, "num_heads": 4}
KINDS = {
    "class token": {},
    "ViT-B/16": {
        "img_size": 224, "patch_size": 16, "in_chans": 3, "num_classes": 1000, "embed_dim": 768, "depth": 12,
        "num_heads": 12,
    },
    "mean of the patches": {"pool": "mean", "class_token": False},
    "registers": {"pool": "mean", "num_registers": 12, "fc_norm": True},
    "distilled": {"pool": "cls+dist", "num_registers": 1, "num_classes": 2},
    "both": {"pool": "cls+mean", "pre_norm": True},
    "attention pooling": {"pool": "map", "final_norm": False, "depth": 1, "num_heads": 1},
    "convolutions, a rectangle": {"stem": "conv", "img_size": (8, 112), "depth": 40, "num_heads": 32},
    "one patch": {"img_size": 4, "patch_size": 4, "pool": "mean", "class_token": False, "num_classes": 1},
}  # fmt: skip
DRAW = """async ([config, language]) => {
  const { state, shapeOf } = await import("/state.js"), { chooseLanguage } = await import("/texts.js");
  const { ModelPicture } = await import("/model_picture.js"), parent = document.createElement("div");
  document.querySelector("#tokens").append(parent);
  chooseLanguage(language);
  Object.assign(state, { about: { config }, shape: shapeOf(config) });
  const picture = new ModelPicture(parent), { depth, num_heads: heads } = config;
  picture.draw();
  picture.mark(depth - 1, [0, heads - 1], "the chosen");
  const box = (node) => { const { left, top, right, bottom } = node.getBoundingClientRect(); return { left, top, right, bottom, says: node.textContent }; };
  const parts = [...picture.node.children].map((svg) => ({ ...box(svg), words: [...svg.querySelectorAll("text")].map(box) }));
  return { parts, width: parent.clientWidth, label: picture.node.ariaLabel, squares: ["", ".chosen"].map((kind) => parent.querySelectorAll(`.square${kind}`).length) };
}"""


def drawn(tab, changes, language="en"):
    """Where the parts of a picture and their words are, what is read aloud, and how many squares are there and marked."""
    config = ViTConfig(**SMALL | changes).to_dict()
    return tab.evaluate(DRAW, [config, language])


def overlap(a, b):
    return min(a["right"], b["right"]) - max(a["left"], b["left"]) > 1 and (
        min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 3  # lines of one text stand close
    )


@pytest.mark.parametrize("width", [360, 1240])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_words_have_room(visit, page, width, language):
    tab = visit(page, width=width)
    for kind, changes in KINDS.items():
        picture = drawn(tab, changes, language)
        for part in picture["parts"]:
            assert part["right"] - part["left"] <= picture["width"] + 1, kind
            words = part["words"]
            for at, word in enumerate(words):
                assert part["left"] - 1 <= word["left"] <= word["right"] <= part["right"] + 1, (kind, word)
                assert part["top"] - 1 <= word["top"] <= word["bottom"] <= part["bottom"] + 1, (kind, word)
                assert not [other["says"] for other in words[:at] if overlap(word, other)], (kind, word)


SAID = {
    "class token": r"28 × 28 pixels, 49 patches, linear layer, class token, 50 tokens of 64 numbers; 4 times a block: "
    r".* attention of 4 heads, .*; then layer norm, the class token, linear layer, 10 logits\. Marked: the chosen\.",
    "ViT-B/16": r"224 × 224 pixels, 196 patches, .* 197 tokens of 768 numbers; 12 times .* 12 heads, .* 1000 logits",
    "mean of the patches": r"linear layer, 49 tokens of .*; then layer norm, the mean of the patches, linear layer",
    "registers": r"class token, 12 registers, 62 tokens of 64 numbers; .* then the mean of the patches, layer norm,",
    "distilled": r"class token, register 1, linear layer, 2 logits",
    "both": r"50 tokens of 64 numbers, layer norm; .*; then layer norm, class token and mean, linear layer",
    "attention pooling": r"; then one more attention, linear layer",
    "convolutions, a rectangle": r"8 × 112 pixels, convolutions, 56 patches",
}


def test_it_says_what_the_model_is(visit, page):
    tab = visit(page)
    for kind, wanted in SAID.items():
        picture = drawn(tab, KINDS[kind])
        assert re.search(wanted, picture["label"].replace("\u00a0", " ")), (kind, picture["label"])
        config = ViTConfig(**SMALL | KINDS[kind])
        marks = 1 + len({0, config.num_heads - 1})
        assert picture["squares"] == [config.depth + config.num_heads, marks], kind


def test_what_is_chosen_is_marked(visit, page):
    tab = visit(page)
    label = tab.locator(".model-picture")
    places = "nodes => nodes.map((node, i) => node.matches('.chosen') ? i : -1).filter(i => i >= 0)"

    def marked():
        return tab.locator("#model-picture .square").evaluate_all(places)  # four blocks, then four heads

    assert marked() == [3, 4]
    tab.click("#heads .cell >> nth=8")  # block 2, head 3
    tab.wait_for_selector("#reading:has-text('Block 2, head 3')")
    assert marked() == [1, 6]
    assert label.get_attribute("aria-label").endswith("Marked: block 2, head 3.")
    tab.click("#heads .cell >> nth=4")
    tab.wait_for_selector("#reading:has-text('Block 1, mean of its heads')")
    assert marked() == [0, 4, 5, 6, 7]
    tab.click("#heads .cell >> nth=23")
    tab.wait_for_selector("#reading:has-text('After block 4')")
    assert marked() == [3]
    tab.click("#language")
    tab.wait_for_selector(".model-picture[aria-label*='标出的是']")
    assert marked() == [3]
