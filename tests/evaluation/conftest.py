"""The data set of 200 digits of the training tests."""

import pytest

from tests.support import small_run


@pytest.fixture(scope="session")
def small_dataset():
    return small_run.small_dataset()
