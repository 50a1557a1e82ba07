"""The stand-in refuses what it promises to refuse, and counts what it promises to count."""

import numpy as np
import pytest

from tinyvit.backend import array_module, like, to_numpy


@pytest.fixture
def x(strict):
    return strict.asarray(np.arange(6.0).reshape(2, 3))


def test_it_is_an_array_module(strict, x):
    assert array_module(x) is strict
    assert type(like(np.ones(2), x)) is strict.ndarray
    assert type(to_numpy(x)) is np.ndarray
    assert type(x.sum()) is strict.ndarray
    assert type(strict.exp(x)) is strict.ndarray
    assert x.T.shape == (3, 2)
    x[0] = 7.0
    x[:, 1] += 1
    y = x.reshape(-1)
    y *= 2  # a view writes through
    np.testing.assert_array_equal(x.get(), [[14, 16, 14], [6, 10, 10]])


@pytest.mark.parametrize(
    "mistake",
    [
        lambda xp, x: x + np.ones(3),
        lambda xp, x: np.ones(3) + x,
        lambda xp, x: xp.concatenate([x, np.ones((1, 3))]),
        lambda xp, x: x.__setitem__(0, np.ones(3)),
        lambda xp, x: x.__iadd__(np.ones(3)),
        lambda xp, x: np.asarray(x),
        lambda xp, x: np.exp(x),
        lambda xp, x: np.concatenate([x, x]),
        lambda xp, x: np.testing.assert_allclose(x, 1),
        lambda xp, x: xp.exp(x, where=x > 0),
        lambda xp, x: xp.sum(x, initial=1.0),
        lambda xp, x: x.max(initial=1.0),
        lambda xp, x: xp.add(x, x, casting="unsafe"),
        lambda xp, x: xp.exp(x, out=np.empty((2, 3))),
        lambda xp, x: xp.einsum("ij->i", x, out=xp.zeros(2)),
    ],
)
def test_what_cupy_refuses_is_a_type_error(strict, x, mistake):
    with pytest.raises(TypeError):
        mistake(strict, x)


@pytest.mark.parametrize("name", ["errstate", "vecdot", "block", "nditer", "erf", "no_such_thing"])
def test_names_that_cupy_lacks_are_missing(strict, name):
    with pytest.raises(AttributeError, match=name):
        getattr(strict, name)


def test_writing_to_a_repeated_index_is_refused(strict, x):
    x[strict.asarray([0, 1]), strict.asarray([1, 1])] = 0.0
    with pytest.raises(ValueError, match="repeated"):
        x[strict.asarray([1, 1]), strict.asarray([1, 1])] = 0.0
    strict.add.at(x, (strict.asarray([1, 1]), strict.asarray([1, 1])), 1.0)
    np.testing.assert_array_equal(x.get()[1], [3, 2, 5])


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (lambda xp, x: float(x.sum()), "float()"),
        (lambda xp, x: int(x.sum()), "int()"),
        (lambda xp, x: bool((x > 0).any()), "bool()"),
        (lambda xp, x: x.sum().item(), "item()"),
        (lambda xp, x: x.tolist(), "tolist()"),
        (lambda xp, x: x.get(), "get()"),
        (lambda xp, x: xp.asnumpy(x), "get()"),
        (lambda xp, x: f"{x.sum():.3f}", "format()"),
        (lambda xp, x: repr(x), "repr()"),
        (lambda xp, x: x[x > 2], "indexing with a mask"),
        (lambda xp, x: x[[0, 1]], "indexing with host numbers"),
        (lambda xp, x: x[np.array([0, 1])], "indexing with host numbers"),
    ],
)
def test_reads_by_the_host_are_counted_and_can_be_forbidden(strict, x, read, what):
    read(strict, x)
    assert strict.host_reads() == [what]
    with strict.no_host_reads(), pytest.raises(RuntimeError, match="wait"):
        read(strict, x)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda xp, x: x + x, [("add", 48, 48)]),  # six float64; one array, read once
        (lambda xp, x: x * xp.ones(3), [("ones", 0, 24), ("mul", 48 + 24, 48)]),
        (lambda xp, x: 2.0 - x, [("rsub", 48, 48)]),
        (lambda xp, x: x.__iadd__(1.0), [("iadd", 48, 48)]),
        (lambda xp, x: xp.exp(x, out=x), [("exp", 48, 48)]),
        (lambda xp, x: x.sum(axis=0), [("sum", 48, 24)]),
        (lambda xp, x: x.sum(), [("sum", 48, 8)]),
        (lambda xp, x: xp.linalg.norm(x), [("linalg.norm", 48, 8)]),
        (lambda xp, x: x[xp.asarray([1])], [("take", 24, 24)]),
        (lambda xp, x: x.__setitem__(0, 1.0), [("assignment", 0, 24)]),
        (lambda xp, x: xp.concatenate([x, x]), [("concatenate", 48, 96)]),
        (lambda xp, x: x.T.reshape(-1), [("reshape", 48, 48)]),  # no view can do that
        (lambda xp, x: (x.T, x[0], x[:, 1:], x.reshape(-1), x.swapaxes(0, 1), xp.empty(5), x.shape), []),
    ],
)
def test_calls_that_compute_are_counted_with_their_bytes(strict, x, call, wanted):
    strict.launches().clear()
    call(strict, x)
    assert [tuple(launch) for launch in strict.launches()] == wanted
