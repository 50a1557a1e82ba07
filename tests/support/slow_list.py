"""Plugin of pytest that lists the tests which take long: `pytest -p tests.support.slow_list -m "slow or not slow"`.

It writes `tests/slow_tests.txt`: the tests that took more than `SECONDS` of CPU time, child processes included. They are
marked slow when they are collected (`tests/conftest.py`), besides those that say so themselves. Gradient checks are never
listed: they are what the fast tests are for.
"""

import resource
import time
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "slow_tests.txt"
SECONDS = 0.25
NEVER = "tests/gradcheck/"
took = {}


def cpu_seconds():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    item.cpu_began = cpu_seconds()
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "teardown":
        outcome.get_result().user_properties.append(("cpu_seconds", cpu_seconds() - item.cpu_began))


def pytest_runtest_logreport(report):
    for name, value in report.user_properties:
        if name == "cpu_seconds":
            took[report.nodeid] = value


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):  # of pytest-xdist
        names = sorted(name for name, seconds in took.items() if seconds > SECONDS and not name.startswith(NEVER))
        PAGE.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
