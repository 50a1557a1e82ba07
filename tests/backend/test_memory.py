"""Freed memory is kept for the next array: counted in pages, not in seconds."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from tinyvit.backend import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()

def work():
    return (np.ones(2**20) * 2 + 1).sum()

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_fetched(how):
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.process
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's doing")
def test_the_same_temporaries_are_not_paged_in_again():
    assert pages_fetched("keep") < 100 < pages_fetched("give back")
