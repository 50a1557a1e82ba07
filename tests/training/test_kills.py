"""A run that is killed, hard and at random moments, ends with the very weights of one that was not."""

import pytest

from tests.support.kills import kill_and_compare


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_runs_resume_to_identical_weights(tmp_path, workers):
    result = kill_and_compare(tmp_path, kills=4, workers=workers, seed=3)
    print(result)
    assert result.differing == []
    assert result.kills == 4
    assert result.in_an_epoch >= 2, "most kills are meant to hit a run at work"
