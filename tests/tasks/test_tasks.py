"""What every task promises the loop: the gradients of pieces add up, and answers do not depend on who gives them."""

import itertools
import json

import numpy as np
import pytest

from tests.support.toy_tasks import B, shaken
from tinyvit.backend import generator
from tinyvit.backend.random import BatchRows, ExampleRows
from tinyvit.config.run import TrainConfig
from tinyvit.config.tasks import CONFIGS, config_of
from tinyvit.errors import UserError
from tinyvit.evaluation.result import Evaluation
from tinyvit.tasks import ALL, TASKS, task_of

CUTS = [(0, 11), (0, 4, 11), (0, 1, 2, 7, 11)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cuts", CUTS)
def test_gradients_of_pieces_add_up(config, dataset, cuts, weighted):
    task, model = task_of(config), shaken(config)
    chosen = np.random.default_rng(4).permutation(30)[:B]
    weights = np.random.default_rng(5).dirichlet(np.ones(B)) if weighted else np.full(B, 1 / B)
    losses, sums = [], []
    for pieces in ((0, B), cuts):
        loss, total = 0.0, {}
        for first, last in itertools.pairwise(pieces):
            rows = slice(first, last)
            share = weights[rows].sum()
            rng = BatchRows(generator(config.seed, "step", 6), B, rows)
            batch = [
                x.astype(np.float64) if x.dtype == np.float32 else x
                for x in task.batch(config, dataset, chosen[rows], rng)
            ]
            piece_loss, grads = task.loss_and_gradients(
                config, model, batch, share=share, weights=weights[rows] / share if weighted else None, rng=rng
            )
            loss += share * float(piece_loss)
            total = {name: total.get(name, 0) + grad for name, grad in grads.items()}
        losses.append(loss)
        sums.append(total)
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    assert sums[0].keys() == sums[1].keys() == model.parameters().keys()
    for name, whole in sums[0].items():
        np.testing.assert_allclose(sums[1][name], whole, rtol=1e-9, atol=1e-12 * np.abs(whole).max(), err_msg=name)


def test_answers_are_those_of_the_parts(config, dataset):
    task, model = task_of(config), task_of(config).build(config, np.random.default_rng(0))
    whole = task.answers(config, model, dataset, "dev", ALL)
    assert whole.shape == (13, task.answer_size(config))
    parts = [task.answers(config, model, dataset, "dev", rows) for rows in (slice(0, 4), slice(4, 5), slice(5, 13))]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_the_judgement_has_all_that_a_run_tells(config, dataset):
    task, model = task_of(config), task_of(config).build(config, np.random.default_rng(0))
    result: Evaluation = task.judge(config, task.answers(config, model, dataset, "dev", ALL), dataset, "dev")
    assert np.isfinite([result.loss, *result.measures.values()]).all()
    assert all(isinstance(text, str) for text in (result.in_words, result.details, result.report(dataset.class_names)))
    assert result.figures(dataset.dev, dataset.class_names) | task.figures(config, model, dataset, "dev")


def test_a_task_is_found_by_name(config):
    again = config_of(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert task_of(again) is TASKS[config.task]


def test_runs_from_before_there_were_tasks_classify():
    old = TrainConfig().to_dict()
    del old["task"]
    assert config_of(old) == TrainConfig()


@pytest.mark.parametrize("task", ["", "classification", "MAE", None, 3, ["mae"]])
def test_no_such_task(task):
    with pytest.raises(UserError, match=f"no task called .*: choose from {', '.join(CONFIGS)}"):
        config_of({**TrainConfig().to_dict(), "task": task})


def test_a_config_is_of_its_own_task():
    with pytest.raises(UserError, match="a TrainConfig is of the task classify, got mae"):
        TrainConfig(task="mae")


DRAWS = {
    "random": lambda rng, n: rng.random((n, 3)),
    "uniform": lambda rng, n: rng.uniform(-2, 5, (n, 2, 2)),
    "integers": lambda rng, n: rng.integers(0, 9, (n,)),
    "standard_normal": lambda rng, n: rng.standard_normal((n, 4)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_chance_of_dev_examples_is_their_own(draw):
    whole = draw(ExampleRows(7, "dev", range(10)), 10)
    parts = [draw(ExampleRows(7, "dev", rows), len(rows)) for rows in (range(3), range(3, 9), range(9, 10))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(draw(ExampleRows(7, "dev", [5, 2]), 2), whole[[5, 2]])
    np.testing.assert_array_equal(whole[4], draw(generator(7, "dev", 4), 1)[0])
    assert len(np.unique(whole, axis=0)) > 4
    for other in (ExampleRows(8, "dev", range(10)), ExampleRows(7, "test", range(10))):
        assert not np.array_equal(draw(other, 10), whole)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_chance_of_rows_is_that_of_the_batch(draw):
    whole = draw(np.random.default_rng(5), 10)
    np.testing.assert_array_equal(draw(BatchRows(np.random.default_rng(5), 10, slice(3, 7)), 4), whole[3:7])
