"""The solved lesson 27 shows what its words say."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

SOLVED = Path(__file__).parents[2] / "lessons" / "solutions" / "27_the_paper_and_ten_claims.ipynb"
OUTPUTS = [o for cell in nbformat.read(SOLVED, 4).cells for o in cell.get("outputs", ())]
PRINTED = "".join(o.get("text", "") for o in OUTPUTS)
SEEDS = {  # of each training
    name.strip(): [float(one) for one in numbers.split()]
    for name, numbers in re.findall(r"^(.+?) +((?:[\d.]+ +){3})mean ", PRINTED, re.MULTILINE)
}


def mean(name):
    return sum(SEEDS[name]) / 3


def found(pattern):
    return [float(number) for number in re.findall(pattern, PRINTED, re.MULTILINE)]


def test_equations_are_the_model():
    assert max(found(r"differs? from the model's by up to (\S+)$") + found(r"and the logits by (\S+)$")) < 1e-12


def test_no_large_model_with_patches_of_16_has_307_million():
    counts = found(r"^ +L/16 .+? ([\d.]+)M")
    assert len(counts) == 3
    assert max(counts) < 305
    fits = re.findall(r"^ +(\S+) .+<- fits$", PRINTED, re.MULTILINE)
    assert set(fits) == {"B/16", "L/32", "H/14"}


def test_shuffled_pixels_are_read_better_with_every_seed():
    gains = re.search(r"gain for each seed: (.+)", PRINTED)[1].split()
    assert len(gains) == 3
    assert min(map(float, gains)) > 0
    true, shuffled = found(r"1,000 steps: ([\d.]+) %")
    assert true > 90
    assert abs(true - shuffled) < 3


def test_what_hurts_and_what_does_not():
    assert abs(mean("mean of the patches") - mean("as it is")) < 4
    assert 20 < mean("without positions") < mean("as it is") - 2
    assert mean("1 head") < mean("as it is") - 5
    assert mean("rate 0.02, no warm-up") < mean("rate 0.02, warm-up") - 5


def test_heads_alone_are_hardly_missed_and_all_together_are():
    alone = found(r"^ +\d +\d +\S+ +[+-]\S+ +([\d.]+) %$")
    assert len(alone) == 16
    assert min(alone) > 98
    assert found(r"block 1 without any attention: ([\d.]+) %")[0] > 97


def test_rollout_agrees_no_better_than_ink():
    rollout, ink = found(r"^rollout +([\d.]+) ±")[0], found(r"^amount of ink +([\d.]+) ±")[0]
    assert rollout < ink + 0.05 < 0.6
