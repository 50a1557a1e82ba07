"""The solved lesson 25 shows what its words say."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

SOLVED = Path(__file__).parents[2] / "lessons" / "solutions" / "25_small_data_and_small_models.ipynb"
OUTPUTS = [o for cell in nbformat.read(SOLVED, 4).cells for o in cell.get("outputs", ())]
PRINTED = "".join(o.get("text", "") for o in OUTPUTS)
RUNS = {  # % of the dev digits, each seed
    name.strip(): [float(one) for one in numbers.split()]
    for name, numbers in re.findall(r"^([VC]\S+, .+?) +mean [\d.]+ %, each: (.+)$", PRINTED, re.MULTILINE)
}


def followed(layer):
    row = re.search(rf"^{layer} +((?:[\d.]+ +){{8}}) +([\d.]+)$", PRINTED, re.MULTILINE)
    return [float(one) for one in row[1].split()], float(row[2])


def test_only_stride_one_follows_every_shift():
    assert followed("3 x 3, stride 1")[0] == [0.0] * 8
    assert [one == 0 for one in followed("3 x 3, stride 2")[0]] == [False, True] * 4
    patches, another = followed("patches, stride 7")
    assert [one == 0 for one in patches] == [shift == 7 for shift in range(1, 9)]
    assert patches[2] > another


def test_turned_digits_are_other_digits():
    assert float(re.search(r"moved by 2 +([\d.]+) %", PRINTED)[1]) > 97
    assert float(re.search(r"turned by 180° +([\d.]+) %", PRINTED)[1]) < 50
    assert re.search(r"a 6 that is turned is mostly read as 9", PRINTED)
    assert re.search(r"a 9 that is turned is mostly read as 6", PRINTED)


def test_shifts_help_both_and_leave_a_gap():
    vit, cnn = RUNS["ViT, 300"], RUNS["CNN, 300"]
    vit_shifts, cnn_shifts = RUNS["ViT, 300 + shifts"], RUNS["CNN, 300 + shifts"]
    gained = [after - before for before, after in zip(vit + cnn, vit_shifts + cnn_shifts, strict=True)]
    assert min(gained[:2]) > 4
    assert max(gained[:2]) < min(gained[2:])
    assert max(vit_shifts) < min(cnn_shifts) - 10
    assert RUNS["ViT, 300 + shifts, 1,200 steps"][0] > max(vit_shifts)
    assert abs(RUNS["CNN, 1,000"][0] - sum(cnn_shifts) / 2) < 3


def test_a_student_knows_what_it_never_saw():
    rows = re.findall(r"^from (.+?) +threes +([\d.]+) %.+ threes +([\d.]+) %, all +([\d.]+) %$", PRINTED, re.MULTILINE)
    before, after = ({name: float(row[at]) for name, *row in rows} for at in (0, 1))
    assert before["labels"] == before["soft labels"] == 0 < before["teacher"] < 30
    assert after["labels"] < 15
    assert after["labels"] + 20 < after["soft labels"] < after["teacher"] - 20
    assert after["teacher"] > 75


def test_temperature_is_no_matter_of_size():
    lengths = [float(one) for one in re.findall(r"^ +T = +\d+: ([\d.]+), without", PRINTED, re.MULTILINE)]
    assert len(lengths) == 6
    assert max(lengths) < 1.2 * min(lengths)
