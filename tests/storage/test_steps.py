"""The log of steps: read on from where one stopped, and no damage to it matters."""

import pytest

from tinyvit.storage.steps import STEPS, Step, append_step, forget_steps_after, read_steps

SOME = [Step(20, 0.5, 2.5), Step(40, 1.0, 1.25), Step(47, 1.175, 0.1)]


def written(folder, steps=SOME):
    for step in steps:
        append_step(folder, step)
    return folder


def test_what_was_appended_is_read(tmp_path):
    assert read_steps(written(tmp_path))[0] == SOME


def test_reading_goes_on_where_it_stopped(tmp_path):
    steps, place = read_steps(written(tmp_path, SOME[:1]))
    assert steps == SOME[:1]
    assert read_steps(tmp_path, place) == ([], place)
    written(tmp_path, SOME[1:])
    assert read_steps(tmp_path, place)[0] == SOME[1:]


def test_a_line_under_way_comes_later(tmp_path):
    written(tmp_path, SOME[:1])
    with open(tmp_path / STEPS, "a") as file:
        file.write('{"step": 40, "epoch": 1.0,')
    steps, place = read_steps(tmp_path)
    assert steps == SOME[:1]
    with open(tmp_path / STEPS, "a") as file:
        file.write(' "loss": 1.25}\n')
    assert read_steps(tmp_path, place)[0] == SOME[1:2]


@pytest.mark.parametrize(
    "line",
    [
        "", "no JSON", "[1, 2, 3]", "null", '"step"', '{"step": 20}', '{"step": 0, "epoch": 1.0, "loss": 1.0}',
        '{"step": 1.5, "epoch": 1.0, "loss": 1.0}', '{"step": 1, "epoch": 1.0, "loss": NaN}', "[" * 100_000, "\x00" * 9,
        '{"step": 1, "epoch": true, "loss": 1.0}', '{"step": 1, "epoch": 1.0, "loss": "1"}', "\ud83d".encode("utf-8", "replace").decode(),
        '{"step": 1e400, "epoch": 1.0, "loss": 1.0}', '{"step": 1, "epoch": 1.0, "loss": 1e999}',
    ],
)  # fmt: skip
def test_lines_that_are_none_are_passed_over(tmp_path, line):
    written(tmp_path, SOME[:1])
    with open(tmp_path / STEPS, "a") as file:
        file.write(line + "\n")
    written(tmp_path, SOME[1:])
    assert read_steps(tmp_path)[0] == SOME


def test_steps_that_are_done_again_are_forgotten(tmp_path):
    written(tmp_path)
    place = read_steps(tmp_path)[1]
    forget_steps_after(tmp_path, 40)
    assert read_steps(tmp_path)[0] == SOME[:2]
    assert read_steps(tmp_path, place)[1] < place  # who watches sees that it became shorter
    forget_steps_after(tmp_path, 0)
    assert read_steps(tmp_path)[0] == []


def test_no_file_and_no_folder(tmp_path):
    for folder in (tmp_path, tmp_path / "gone"):
        assert read_steps(folder, 100) == ([], 0)
        forget_steps_after(folder, 3)
    append_step(tmp_path / "gone", SOME[0])  # the next checkpoint tells that the folder is gone
    (tmp_path / STEPS).mkdir()
    append_step(tmp_path, SOME[0])
    assert read_steps(tmp_path) == ([], 0)
