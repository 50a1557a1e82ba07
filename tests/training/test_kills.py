"""A run that is killed, hard and at random moments, ends with the very weights of one that was not."""

import pytest

from tests.support import others_slow
from tests.support.kills import kill_and_compare


@pytest.mark.process
@pytest.mark.parametrize(("workers", "kills"), others_slow([(1, 1), (1, 4), (2, 4)]))
def test_killed_runs_resume_to_identical_weights(tmp_path, workers, kills):
    result = kill_and_compare(tmp_path, kills=kills, workers=workers, seed=3)
    print(result)
    assert result.differing == []
    assert result.kills == kills
    assert result.in_an_epoch >= kills // 2, "most kills are meant to hit a run at work"
