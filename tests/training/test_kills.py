"""A run that is killed, hard and at random moments, ends with the very weights of one that was not."""

from kills import kill_and_compare


def test_killed_runs_resume_to_identical_weights(tmp_path):
    killed, differing = kill_and_compare(tmp_path, kills=5, seed=3)
    assert killed == 5
    assert differing == []
