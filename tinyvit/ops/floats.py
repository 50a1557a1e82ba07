"""Floating-point checks of all ops: inputs are arrays of floats, and no op computes in less than float32.

float16 has 11 bits and ends at 65,504: enough to keep a number, too few to square it, to take its exp, or to add up
hundreds of it. So where all arrays are float16, an op computes in float32 and rounds once, what it gives away: half a
unit in the last place of float16 is all that is lost. Matrix products gain too, as processors have no fast ones in
float16. bfloat16 (of `ml_dtypes`) is treated alike. Objects that bring their own arithmetic, such as
dual numbers, pass as they are: by them `gradcheck/exact.py` proves the backwards.

Source: Micikevicius et al. 2018, "Mixed Precision Training", arXiv:1710.03740, section 3.3, on sums in float32.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from ..backend import PLAIN, Array, array_module, is_exact, is_host
from ..errors import UserError

P = ParamSpec("P")
Result = TypeVar("Result")


def takes_floats(forward: Callable[P, Result]) -> Callable[P, Result]:
    """An op's forward, its arrays checked, and computed in float32 where all of them are narrower.

    What is saved stays as it was computed, but for the output: that is saved as it went out.
    """
    parameters = inspect.signature(forward).parameters.values()
    optional = {p.name: p.default is None for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}

    @functools.wraps(forward)
    def checked(*args: P.args, **options: P.kwargs) -> Result:
        for x in cast(Any, args):
            if type(x) is not PLAIN or x.dtype.char not in "fd" or not x.ndim:
                break
        else:  # as nearly always; for one image, all that follows would take longer than the op
            if options.keys().isdisjoint(optional):
                return forward(*args, **options)
        arrays: dict[str, Any] = dict(zip(optional, args, strict=False)) | {
            n: options[n] for n in optional if n in options
        }
        given = {name: x for name, x in arrays.items() if not (x is None and optional[name])}
        if any(map(is_exact, given.values())):
            return forward(*args, **options)
        for name, x in given.items():
            check_floats(name, x)
        narrow = [x for x in given.values() if is_narrow(x)]
        if not narrow:
            return forward(*args, **options)
        wide = {name: widened(x) if name in optional else x for name, x in options.items()}
        y, saved = cast(Any, forward)(*map(widened, args), **wide)
        if len(narrow) < len(given):
            return cast(Any, (y, saved))
        out = rounded(y, narrow[0].dtype)
        return cast(Any, (out, saved._make(out if field is y else field for field in saved)))

    return checked


def takes_each_float(forward: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """The same for a function of one number, whose tails float32 would lose: float16 has only 65,536 numbers, so on the
    CPU a table that is computed in float64 says what becomes of each.
    """
    in_float32 = takes_floats(forward)

    @functools.cache
    def table(xp: Any, dtype: Any) -> Any:
        every_number = xp.arange(2**16).astype("uint16").view(dtype)
        with xp.errstate(all="ignore"):
            y, saved = forward(every_number.astype("float64"))
            return y.astype(dtype), saved._make(field.astype("float32") for field in saved)

    @functools.wraps(forward)
    def checked(x: Array) -> Any:
        check_floats("x", x)
        if not (is_narrow(x) and is_host(x)):
            return in_float32(x)
        y, saved = table(array_module(x), x.dtype)
        places = x.view("uint16")
        return y[places], saved._make(field[places] for field in saved)

    return checked


def takes_gradients(backward: Callable[[Array, Any], Result]) -> Callable[[Array, Any], Result]:
    """An op's backward, computed in float32 where `dy` is narrower; the gradients are of dy's dtype."""

    @functools.wraps(backward)
    def checked(dy: Array, saved: Any) -> Result:
        check_floats("dy", dy, least_axes=0)
        if not is_narrow(dy):
            return backward(dy, saved)
        grads: Any = backward(widened(dy), saved._make(map(widened, saved)))
        if isinstance(grads, tuple):
            return cast(Any, tuple(None if grad is None else rounded(grad, dy.dtype) for grad in grads))
        return cast(Any, rounded(grads, dy.dtype))

    return checked


def check_floats(name: str, x: Any, *, least_axes: int = 1) -> None:
    """Check that `x` is an array of floating-point numbers.

    Raises:
        UserError: it is not.
    """
    check_array(name, x)
    if x.dtype.kind != "f" and x.dtype.name != "bfloat16" and not is_exact(x):
        raise UserError(f"{name} must hold floating-point numbers, got {x.dtype}: use {name}.astype('float32')")
    if x.ndim < least_axes:
        raise UserError(f"{name} must have at least one axis, got a single number: use {name}.reshape(1)")


def check_array(name: str, x: Any) -> None:
    """Check that `x` is an array at all.

    Raises:
        UserError: it is a list, a number, another library's tensor, or has masked entries.
    """
    try:
        array_module(x)
    except (TypeError, UserError) as error:
        raise UserError(f"{name}: {error}") from error


def check_shape(name: str, x: Array, wanted: Sequence[int | str]) -> None:
    """Check that `x` has the shape `wanted`, in which a letter stands for any length, as in ("B", "N", 64).

    Raises:
        UserError: it has not.
    """
    if x.shape == wanted or (x.ndim == len(wanted) and all(map(_fits, wanted, x.shape))):
        return
    words = ", ".join(map(str, wanted)) + "," * (len(wanted) == 1)
    raise UserError(f"{name} must have the shape ({words}), got {tuple(x.shape)}: reshape it, or give another")


def _fits(wanted: int | str, length: int) -> bool:
    return wanted == length or type(wanted) is str


def is_narrow(x: Array) -> bool:
    """Whether `x` is float16 or bfloat16."""
    return x.dtype.itemsize == 2 and (x.dtype.kind == "f" or x.dtype.name == "bfloat16")


def widened(x: Any) -> Any:
    """A narrow array as float32, everything else as it is."""
    return x.astype("float32") if hasattr(x, "astype") and is_narrow(x) else x


def rounded(x: Array, dtype: Any) -> Array:
    """`x` in `dtype`, which it is mostly in already. Nothing is rounded to objects."""
    return x if dtype.kind == "O" or x.dtype == dtype else x.astype(dtype)


def check_input_shape(x: Array, shape: tuple[int, int, int]) -> None:
    """Check that `x` is an array (B, *shape).

    Raises:
        TypeError, UserError: it is not.
    """
    array_module(x)  # says what to do with a list
    if x.ndim != 4 or tuple(x.shape[1:]) != shape:
        wanted = ", ".join(map(str, shape))
        raise UserError(f"images must have the shape (B, {wanted}), got {tuple(x.shape)}: resize or reshape them")
