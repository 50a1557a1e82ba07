"""Ranks of MPI: the same loss curve as one process, one voice, exact resume, and one end for all."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import small_run
from tests.support.kills import compare
from tinyvit.training import load_trained

MPIEXEC = Path(sys.executable).parent / "mpiexec"

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not MPIEXEC.exists(), reason="needs MPI: pip install -e '.[mpi]'"),
]


def start(ranks, *arguments):
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, small_run.__file__, "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(ranks, folder, *arguments):
    process = start(ranks, "--output", folder, "--distributed", *small_run.RUN, *arguments)
    output, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    return output


def losses(folder):
    epochs = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(epoch["train_loss"], epoch["dev_loss"]) for epoch in epochs]


def test_any_number_of_ranks_has_the_loss_curve_of_one_process(tmp_path):
    process = [sys.executable, small_run.__file__, "train", "--output", str(tmp_path / "alone"), *small_run.RUN]
    subprocess.run(process, check=True, capture_output=True)
    for ranks in (1, 2, 4):
        output = run(ranks, tmp_path / str(ranks))
        assert output.count("parameters; everything goes to") == 1
        assert output.count("test accuracy") == 1
        for one, other in zip(losses(tmp_path / "alone"), losses(tmp_path / str(ranks)), strict=True):
            assert other == pytest.approx(one, rel=1e-6)


def test_ranks_may_have_workers(tmp_path):
    for name, ranks, workers in (("a", 1, 4), ("b", 2, 2)):
        run(ranks, tmp_path / name, "--workers", workers)
    for one, other in zip(losses(tmp_path / "a"), losses(tmp_path / "b"), strict=True):
        assert other == pytest.approx(one, rel=1e-6)


def test_stopped_and_resumed_equals_undisturbed(tmp_path):
    run(2, tmp_path / "undisturbed")
    process = start(2, "--output", tmp_path / "run", "--distributed", *small_run.RUN)
    while not (tmp_path / "run" / "last").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert complaints.count("everything is saved: go on with tinyvit train --resume") == 1
    resumed = start(2, "--resume", tmp_path / "run")
    _, complaints = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, complaints
    assert compare(tmp_path / "undisturbed", tmp_path / "run") == []


def test_what_goes_wrong_is_told_once_and_ends_all(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    process = start(2, "--output", tmp_path / "run", "--distributed", *small_run.RUN)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode != 0
    assert len(re.findall(r"^tinyvit: rank 0 of 2: .*is not an empty folder", complaints, re.MULTILINE)) == 1
    assert "Traceback" not in complaints


def test_a_killed_rank_ends_all(tmp_path):
    process = start(2, "--output", tmp_path / "run", "--distributed", *small_run.RUN, "--epochs", "10000")
    while not (tmp_path / "run" / "last").exists():
        assert process.poll() is None
        time.sleep(0.02)
    ranks = subprocess.run(
        ["pgrep", "-f", f"small_run.py train --output {tmp_path}/run"], capture_output=True, text=True
    )
    pids = [int(pid) for pid in ranks.stdout.split() if int(pid) != process.pid]
    victim = max(pids)
    subprocess.run(["kill", "-9", str(victim)], check=True)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert load_trained(tmp_path / "run" / "last")  # the checkpoint is whole
