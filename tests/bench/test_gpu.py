"""The benchmark for GPUs, as far as it can be run without one."""

import json
import os
import sys

import pytest

from tests.support import emulator
from tinyvit.bench import Series, gpu, gpu_part, gpu_timing
from tinyvit.cli import main


@pytest.mark.slow
@pytest.mark.skipif(emulator.COMPILER is None, reason="no g++ to compile the kernels for the CPU")
def test_ten_steps_on_the_emulator_are_those_of_the_cpu(monkeypatch):
    monkeypatch.setattr(gpu, "TEN", 3)
    (row,) = gpu.ten_steps(emulator.Emulator)
    assert row["largest relative difference"] < 1e-5
    assert row["two runs have the same bits"]
    (row,) = gpu.ten_steps(lambda config: emulator.Emulator(config, sabotage=[("weight -=", "weight -= 1.1f *")]))
    assert row["largest relative difference"] > 1e-4


def test_times_are_of_one_run():
    clock = iter(range(1000))
    device, host = gpu_timing.timed(
        lambda: None, lambda: next(clock), lambda: None, lambda one, two: 10.0 * (two - one)
    )
    assert device == Series(1.0, 1.0, 1.0)  # ten runs lie between two marks
    assert host.median < 0.1


def test_a_part_that_fails_is_told_and_the_others_go_on(monkeypatch):
    def alone(command, seconds):
        index = int(command[5])
        yield {"side": "tinyvit", "ms": float(index)}
        if index == 1:
            yield {"error": "out of memory"}

    monkeypatch.setattr(gpu, "parts", lambda device, against: [(name, 0, None) for name in "abc"] + [("d", 1e6, None)])
    monkeypatch.setattr(gpu, "alone", alone)
    noted = []
    rows = gpu.bench_gpu("cuda:0", against=None, seconds=10, note=noted.append)
    assert rows == noted
    assert rows == [
        {"part": "a", "side": "tinyvit", "ms": 0.0},
        {"part": "b", "side": "tinyvit", "ms": 1.0},
        {"part": "b", "error": "out of memory"},
        {"part": "c", "side": "tinyvit", "ms": 2.0},
        {"part": "d", "skipped": "needs 1000000.0 s, 10 s are left"},
    ]


@pytest.mark.parametrize(
    ("ending", "rows"),
    [
        ("", []),
        ("raise ValueError('no memory')", [{"error": "ValueError: no memory"}]),
        ("import os; os._exit(7)", [{"error": "it ended with status 7 and said nothing"}]),
        ("import time; time.sleep(60)", [{"error": "stopped after 3 s"}]),
    ],
)
def test_what_a_part_has_found_is_kept_however_it_ends(ending, rows):
    code = f"""print('{{"side": "tinyvit", "ms": 1.5}}', flush=True); {ending}"""
    found = list(gpu.alone([sys.executable, "-c", code], 3.0))
    assert found == [{"side": "tinyvit", "ms": 1.5}, *rows]


@pytest.mark.process
def test_who_stops_listening_leaves_no_process(tmp_path):
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    rows = gpu.alone([sys.executable, "-c", code], 60.0)
    pid = next(rows)
    rows.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_part_runs_by_its_number(monkeypatch, capsys):
    parts = [("a", 0, None), ("b", 0, lambda left: iter([{"left": left}, {"side": "x"}]))]
    monkeypatch.setattr(gpu_part, "parts", lambda device, against: parts)
    gpu_part.main("cuda:1", "None", "1", "12.5")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"left": 12.5}, {"side": "x"}]


def test_every_size_is_measured_against_pytorch():
    names = [name for name, _, _ in gpu.parts("cuda:0", "torch")]
    for size in gpu.sizes():
        for precision in size.precisions:
            assert names.count(f"{size.name}, {precision}") == 2


def test_the_table_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("tinyvit.backend.resolve_device", lambda name: "cuda:0")
    monkeypatch.setattr(gpu, "parts", lambda device, against: [("a part", 0, None)])
    monkeypatch.setattr(gpu, "alone", lambda command, seconds: [{"side": "x", "ms": 2}])
    assert main(["bench", "--device", "cuda"]) == 0
    printed = capsys.readouterr()
    assert "a part\n  x                           ms 2" in printed.out
    assert '{"part": "a part", "side": "x", "ms": 2}' in printed.err
    for other, flag in (
        (["--profile"], "--profile"),
        (["--depth", "2"], "--depth"),
        (["vit_tiny_patch16_224"], "the preset vit_tiny_patch16_224"),
    ):
        assert main(["bench", *other, "--device", "cuda"]) == 2
        assert f"{flag} does not go with --device: leave one of them out" in capsys.readouterr().err
