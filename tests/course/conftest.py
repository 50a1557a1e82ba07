"""Every check of a test draws the same numbers each time: a test that fails once fails again."""

import pytest

from tinyvit.course.judge import judge


@pytest.fixture(scope="session", autouse=True)
def same_numbers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(judge.__kwdefaults__, "seed", 0)
        yield
