"""Worker processes: the same numbers, and nothing hangs or stays behind whoever is killed when."""

import dataclasses
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support import environment, others_slow, small_run
from tests.support.kills import compare
from tinyvit.config.presets import PRESETS
from tinyvit.errors import UserError
from tinyvit.training import TrainConfig, TrainingInterrupted, resume, train
from tinyvit.training.parallel import Team, WorkerLostError, resolve_workers, team
from tinyvit.training.progress import Progress
from tinyvit.training.state import build_model

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform == "win32", reason="signals")]


def alive(process_id):
    """Whether a process is there and not only waiting to be buried."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def children_of(process_id):
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(word) for path in tasks for word in path.read_text().split()]


@pytest.fixture(autouse=True)
def _on_the_cpu(device):
    if device != "cpu":
        pytest.skip("workers share the cores of a CPU")


@pytest.fixture
def teams(small_config, small_dataset):
    """Makes teams of any size, and closes them."""
    made = []

    def make(workers, **changes):
        config = dataclasses.replace(small_config, workers=workers, **changes)
        model = build_model(config)
        made.append(Team(config, small_dataset, model))
        return made[-1], model

    yield make
    for one in made:
        one.close()


def test_any_number_of_workers_comes_to_the_same(teams):
    (alone, model), (three, _) = teams(1), teams(3)
    for step in (0, 1, 6):
        losses = [float(one.compute(step)) for one in (alone, three)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-6)
        scale = np.abs(alone.grads.vector).max()
        assert np.abs(three.grads.vector - alone.grads.vector).max() < 1e-6 * scale
        for one in (alone, three):  # workers see what is written into the parameters
            one.parameters.vector -= 0.1 * alone.grads.vector
    np.testing.assert_allclose(three.dev_answers(model, None), alone.dev_answers(model, None), atol=1e-6)


def test_the_average_is_evaluated_where_there_is_one(teams, small_dataset):
    (alone, model), (two, _) = teams(1), teams(2)
    average = type(two.parameters)(two.parameters)
    average.vector[...] = two.parameters.vector * 2
    model.load_state_dict(average)
    # Doubled weights make large logits, and with them rounding: 1e-6 of a probability on some machines.
    np.testing.assert_allclose(two.dev_answers(model, average), alone.dev_answers(model, None), rtol=1e-5, atol=1e-6)
    assert np.abs(two.dev_answers(model, average) - two.dev_answers(model, None)).max() > 0.01


def test_workers_start_when_they_are_needed_and_end_when_closed(teams):
    two, _ = teams(2)
    assert two._workers == []
    two.compute(0)
    (worker,) = two._workers
    assert alive(worker.process.pid)
    two.close()
    assert not alive(worker.process.pid)
    assert worker.process.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what /proc shows")
@pytest.mark.parametrize("workers", others_slow([1, 3]))
def test_a_closed_team_leaves_no_file_open(small_config, small_dataset, workers):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    config = dataclasses.replace(small_config, workers=workers)
    team = Team(config, small_dataset, build_model(config))
    team.compute(0)
    team.close()
    del team  # and with it the shared arrays
    gc.collect()
    wait_until(lambda: len(os.listdir("/proc/self/fd")) == before)


def test_a_killed_worker_is_named(teams):
    three, _ = teams(3)
    three.compute(0)
    process = three._workers[1].process
    process.kill()
    with pytest.raises(WorkerLostError, match=rf"worker 2 \(process {process.pid}\) ended by signal 9"):
        three.compute(1)


def test_a_stuck_worker_is_named_and_ended(teams, monkeypatch):
    two, _ = teams(2)
    two.compute(0)
    monkeypatch.setattr(team, "PATIENCE", 0.3)
    process = two._workers[0].process
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(WorkerLostError, match=rf"worker 1 \(process {process.pid}\) gave no answer for \d+ seconds"):
        two.compute(1)
    assert process.wait(timeout=10) == -signal.SIGKILL


def test_what_goes_wrong_inside_a_worker_is_told(teams):
    two, _ = teams(2)
    two.compute(0)
    two._ask({"answer": "nonsense"})
    with pytest.raises(WorkerLostError, match=r"worker 1 .* failed: KeyError: 'nonsense'"):
        two._answers(0.0)


class KillsAWorker(Progress):
    def __init__(self, step):
        self.left = step

    def step(self, images, loss):
        self.left -= 1
        if self.left == 0:
            (child,) = children_of(os.getpid())
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    "step", others_slow([3, 6])
)  # in the middle of an epoch, and before the dev split is looked at
def test_a_run_that_loses_a_worker_goes_on_to_the_same_bits(small_config, step):
    config = dataclasses.replace(small_config, workers=2)
    undisturbed = train(dataclasses.replace(config, output=config.output + "-undisturbed"))
    with pytest.raises(
        UserError, match=r"worker 1 .* ended by signal 9; everything before is saved: go on with .*run$"
    ):
        train(config, progress=KillsAWorker(step))
    assert children_of(os.getpid()) == []
    assert compare(undisturbed.folder, resume(config.output).folder) == []


def test_same_number_of_workers_same_bits(small_config):
    config = dataclasses.replace(small_config, workers=2, epochs=1)
    runs = [train(dataclasses.replace(config, output=config.output + name)).folder for name in ("-a", "-b")]
    assert compare(*runs) == []
    assert children_of(os.getpid()) == []


def start_run(folder):
    command = [sys.executable, small_run.__file__, "train", "--output", str(folder), *small_run.RUN]
    command += ["--epochs", "10000", "--workers", "3"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (folder / "last").exists() and len(children_of(process.pid)) == 2)
    return process, children_of(process.pid)


@pytest.mark.parametrize("number", others_slow([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
def test_no_worker_outlives_the_process_that_started_it(tmp_path, number):
    process, workers = start_run(tmp_path / "run")
    assert all(map(alive, workers))
    process.send_signal(number)
    _, complaint = process.communicate(timeout=30)
    wait_until(lambda: not any(map(alive, workers)))
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "and everything is saved: go on with tinyvit train --resume" in complaint
        assert complaint.count("\n") == 1


UNGUARDED = """
from tests.support import small_run
from tinyvit.training import TrainConfig, start, train
start.load_dataset = lambda *args, **kwargs: small_run.small_dataset()
config = TrainConfig(model=small_run.SMALL_MODEL, output={output!r}, epochs=1, batch_size=32, workers=2)
"""


PROCESS = """
if __name__ == "__main__":
    import multiprocessing

    child = multiprocessing.get_context({method!r}).Process(target=train, args=(config,))
    child.start()
    child.join()
    print(1 - child.exitcode)
"""


@pytest.mark.parametrize(
    "body",
    others_slow(["print(len(train(config).epochs))", PROCESS.format(method="fork"), PROCESS.format(method="spawn")]),
    ids=["a script without a guard", "a forked process", "a spawned process"],
)
def test_it_works_wherever_python_runs(tmp_path, body):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED.format(output=str(tmp_path / "run")) + body)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, env=environment())
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert (tmp_path / "run" / "report.txt").exists()


def test_it_works_where_there_is_no_script(tmp_path):
    script = UNGUARDED.format(output=str(tmp_path / "run"))
    script += "print(len(train(config).epochs))"
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, timeout=60, env=environment()
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_resolve_workers(small_config, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)

    def auto(**changes):
        return resolve_workers(TrainConfig(**{"device": "cpu"} | changes), "cpu")

    assert auto(batch_size=128) == 6
    assert auto(batch_size=48) == 3  # at least 16 small images for each
    assert auto(batch_size=2) == 1
    assert auto(batch_size=2, model=PRESETS["vit_base_patch16_224"]) == 2  # or one large one
    assert auto(batch_size=128, model=small_config.model) == 1
    assert auto(batch_size=128, distributed=True) == 1
    assert auto(workers=5, batch_size=2) == 5
    config = dataclasses.replace(small_config, workers=3)
    assert resolve_workers(dataclasses.replace(config, workers="auto"), "cuda:0") == 1
    with pytest.raises(UserError, match=r"got --workers 3 on cuda:0"):
        resolve_workers(config, "cuda:0")
    for wrong in (0, -1, "many", 1.5, True):
        with pytest.raises(UserError, match="workers must be auto or"):
            dataclasses.replace(config, workers=wrong)


def test_ctrl_c_saves_with_workers_too(small_config):
    class Stops(KillsAWorker):
        def step(self, images, loss):
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)

    config = dataclasses.replace(small_config, workers=2)
    undisturbed = train(dataclasses.replace(config, output=config.output + "-undisturbed"))
    with pytest.raises(TrainingInterrupted):
        train(config, progress=Stops(4))
    assert compare(undisturbed.folder, resume(config.output).folder) == []
