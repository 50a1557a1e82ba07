"""The checks refuse what one slip of the pen makes of a solution, and pass what a slip leaves right.

`python -m tests.course.mutations` runs all of them; here is a sample.
"""

import numpy as np
import pytest

from tests.course import corpus
from tests.course.mutations import ENOUGH, function_of, is_one, known_equal, mutants, original, refused
from tests.support import others_slow
from tinyvit.course import EXERCISES
from tinyvit.course.judge import judge
from tinyvit.course.verdict import Outcome

SHORT = 4  # lines of a solution, its head included, of which no hundred versions can be made
SAMPLE = 12
EQUAL = known_equal()


def sample(number, made):
    rng = np.random.default_rng(int(float(number) * 10))
    return [made[index] for index in rng.permutation(len(made))[:SAMPLE]]


@pytest.mark.parametrize("number", others_slow(["5.1", *(number for number in EXERCISES if number != "5.1")]))
def test_slips_of_the_pen_are_refused(number):
    made = list(mutants(number))
    few = len(original(number).splitlines()) <= SHORT or len(EXERCISES[number].outputs) == 1
    assert len(made) >= ENOUGH or few
    for mutant in sample(number, made):
        assert refused(mutant) or not is_one(mutant) or (number, mutant.change) in EQUAL, mutant


@pytest.mark.slow
@pytest.mark.parametrize("number", sorted({number for number, _ in EQUAL}))
def test_what_is_listed_as_right_is_made_and_passes(number):
    right = {mutant.change: mutant for mutant in mutants(number) if (number, mutant.change) in EQUAL}
    assert right.keys() == {change for other, change in EQUAL if other == number}
    for mutant in right.values():
        function = function_of(mutant.source, EXERCISES[number].name)
        assert judge(EXERCISES[number], function, seed=0).outcome is Outcome.PASSED  # the same numbers each time


@pytest.mark.parametrize("number", EXERCISES)
def test_the_notebooks_own_solution_passes(number):
    verdict = judge(EXERCISES[number], function_of(original(number), EXERCISES[number].name))
    assert verdict.outcome is Outcome.PASSED, verdict


@pytest.mark.slow
def test_most_wrong_answers_are_told_their_own_cause(capsys):
    by_hand, made = corpus.main(show=False)
    assert (by_hand + made).total() >= 600
    assert corpus.named(by_hand + made) >= 0.9
    assert corpus.named(by_hand) >= 0.9
