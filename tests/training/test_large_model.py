"""A large classifier's gradients come from threads with one buffer: the same gradients, resumed to the same bits."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from tests.support.notes import Notes, Stops
from tinyvit.config.presets import PRESETS
from tinyvit.config.tasks import task_config
from tinyvit.training import TrainConfig, TrainingInterrupted, resume, sharing, start, train
from tinyvit.training.gradients import OneProcess
from tinyvit.training.lockstep import InThreads
from tinyvit.training.parallel import Team, team
from tinyvit.training.ranks import Ranks
from tinyvit.training.state import build_model


@pytest.fixture
def large(monkeypatch):
    """From here on every model is a large one, and there are three cores."""
    monkeypatch.setattr(sharing, "LARGE", 1)
    monkeypatch.setattr(team, "cores", lambda: 3)
    monkeypatch.setattr(team, "MIN_FLOPS", 1)


@pytest.fixture
def config(small_config):
    return dataclasses.replace(small_config, workers="auto", device="cpu", label_smoothing=0.1)


def chosen(config, dataset):
    config = start._with_workers(config, "cpu")
    return start._gradients(config, dataset, Ranks(), build_model(config))


@pytest.mark.parametrize("class_weights", [None, tuple(range(10))])
@pytest.mark.parametrize(("threads", "micro_batch"), [(1, 0), (2, 0), (3, 5), (5, 1), (40, 0)])
def test_threads_come_to_the_same_gradient(config, small_dataset, threads, micro_batch, class_weights):
    config = dataclasses.replace(config, micro_batch=micro_batch, class_weights=class_weights)
    alone = OneProcess(dataclasses.replace(config, micro_batch=0), small_dataset, build_model(config))
    threaded = InThreads(dataclasses.replace(config, workers=threads), small_dataset, build_model(config))
    wanted = alone.compute(8)
    threaded.grads.vector.fill(np.nan)  # whatever was there before must not matter
    assert float(threaded.compute(8)) == pytest.approx(float(wanted), rel=1e-6)
    size = np.abs(alone.grads.vector).max()
    np.testing.assert_allclose(threaded.grads.vector, alone.grads.vector, rtol=0, atol=1e-6 * size + 1e-7)
    answers = alone.dev_answers(alone.model, None)
    np.testing.assert_allclose(threaded.dev_answers(threaded.model, None), answers, rtol=1e-5)
    threaded.close()


def test_each_thread_has_work(config, small_dataset):
    threaded = InThreads(dataclasses.replace(config, workers=3), small_dataset, build_model(config))
    assert threaded.micro_batch == 11  # of 32
    assert len(list(threaded._pieces(0))) == 3
    threaded.close()


def test_a_large_model_alone_has_threads(config, small_dataset, large):
    assert chosen(config, small_dataset).lockstep.threads == 3
    assert chosen(dataclasses.replace(config, workers=2), small_dataset).lockstep.threads == 2
    assert type(chosen(dataclasses.replace(config, workers=1), small_dataset)) is OneProcess
    assert not sharing.has_threads(dataclasses.replace(config, workers=2, distributed=True))
    assert not sharing.has_threads(task_config("mae")(workers=2))


def test_a_small_model_has_processes_or_is_alone(config, small_dataset):
    assert not isinstance(chosen(config, small_dataset), InThreads)
    ranks = Ranks()
    ranks.size = 2
    alone = dataclasses.replace(config, workers=1)
    assert isinstance(start._gradients(alone, small_dataset, ranks, build_model(config)), Team)


def test_what_counts_as_large():
    assert not sharing.has_threads(TrainConfig())
    assert not sharing.has_threads(TrainConfig(model=PRESETS["vit_tiny_patch16_224"]))
    assert sharing.has_threads(TrainConfig(model=PRESETS["vit_base_patch16_224"]))


def test_stopped_and_resumed_ends_with_the_same_bits(config, large, tmp_path, monkeypatch):
    whole = train(config, progress=Notes())
    stopped = dataclasses.replace(config, output=str(tmp_path / "stopped"))
    with pytest.raises(TrainingInterrupted):
        train(stopped, progress=Stops(3))
    monkeypatch.setattr(team, "cores", lambda: 1)  # a run keeps its number of threads
    history = resume(stopped.output, progress=Notes())
    for name, array in whole.best.model.parameters().items():
        np.testing.assert_array_equal(history.best.model.parameters()[name], array)
    assert history.report == whole.report


def test_no_thread_holds_the_gradients_of_the_whole_model(config, small_dataset):
    wide = dataclasses.replace(config.model, embed_dim=256, depth=6, num_heads=4)
    config = dataclasses.replace(config, model=wide, batch_size=2)
    threaded = InThreads(dataclasses.replace(config, workers=2), small_dataset, build_model(config))
    threaded.compute(0)
    tracemalloc.start()
    threaded.compute(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    threaded.close()
    assert peak < threaded.grads.vector.nbytes  # of two threads; each had a sixth of it at a time
