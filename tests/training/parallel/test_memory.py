"""Shared memory: zeros at first, seen by children, and without a name that could be left behind."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tinyvit.training.parallel import SharedArrays

LAYOUT = {"a": ((3, 5), "float32"), "empty": ((0, 4), "float32"), "b": ((7,), "int64"), "c": ((2, 2), "uint8")}


def test_arrays_have_their_shapes_and_do_not_overlap():
    memory = SharedArrays(LAYOUT)
    for value, (name, (shape, dtype)) in enumerate(LAYOUT.items(), 1):
        assert memory[name].shape == shape
        assert memory[name].dtype == dtype
        assert not memory[name].any()
        memory[name].fill(value)
    for value, name in enumerate(LAYOUT, 1):
        assert (memory[name] == value).all()


def test_no_array_at_all():
    assert SharedArrays({}) == {}


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="children inherit file descriptors elsewhere")
def test_a_child_and_its_parent_see_what_the_other_writes():
    memory = SharedArrays(LAYOUT)
    memory["a"][1, 2] = 4.5
    script = (
        "import json, sys; from tinyvit.training.parallel import SharedArrays\n"
        "memory = SharedArrays(json.loads(sys.argv[1]), int(sys.argv[2]))\n"
        "memory['b'][3] = 2 * memory['a'][1, 2]"
    )
    command = [sys.executable, "-c", script, json.dumps(LAYOUT), str(memory.handle)]
    subprocess.run(command, check=True, pass_fds=[memory.handle])
    assert memory["b"].tolist() == [0, 0, 0, 9, 0, 0, 0]
    memory.close_handle()
    memory.close_handle()  # twice does no harm
    np.testing.assert_array_equal(memory["b"][3], 9)  # the arrays outlive the handle
