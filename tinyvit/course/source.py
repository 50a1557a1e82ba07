"""Reading of a learner's function: what stands in it besides the stub, and what else is defined beside it."""

import ast
import inspect
import textwrap
import traceback
from collections.abc import Iterator

from .compare import kind_of
from .exercise import EXERCISES, Exercise, Function

REDUCTIONS = {"sum", "mean", "max", "min", "var", "std", "norm", "amax", "amin"}


def tree_of(function: Function) -> ast.FunctionDef | ast.Lambda | None:
    """The function as it is written; None where that is not to be had."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda))
    return next(found, None)


def not_written(function: Function, stub: str, error: Exception) -> str:
    """A sentence for a NotImplementedError that stops more than a stub; "" if there is nothing but the stub."""
    *_, (stopped, _) = traceback.walk_tb(error.__traceback__)
    if stopped.f_code is not getattr(inspect.unwrap(function), "__code__", stopped.f_code):
        return f"your function calls one that is not written yet: {error}"
    tree = tree_of(function)
    if not isinstance(tree, ast.FunctionDef):
        return ""
    given = {ast.unparse(node) for node in body_of(ast.parse(stub).body[0])} if stub else set()
    raises = [line for line, node in enumerate(body_of(tree)) if _raises(node)]
    if not raises:
        return "your code is there, but a `raise NotImplementedError` inside it stops it"
    own = [line for line, node in enumerate(body_of(tree)) if not _raises(node) and ast.unparse(node) not in given]
    if not own:
        return ""
    side = "below" if own[0] < raises[0] else "above"
    return f"your code is there, but the line `raise NotImplementedError` {side} it still stops it: delete that line"


def body_of(tree: ast.AST) -> list[ast.stmt]:
    """The statements of a function, without its docstring."""
    body = tree.body if isinstance(tree, ast.FunctionDef) else []
    return [node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def _raises(node: ast.stmt) -> bool:
    return isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc)


def loses_an_axis(function: Function) -> bool:
    """Does it take a sum, mean or max over an axis without keepdims?"""
    tree = tree_of(function)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    return any(_loses(call) for call in calls)


def _loses(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in REDUCTIONS:
        return False
    of_module = isinstance(call.func.value, ast.Name) and call.func.value.id in ("np", "xp", "numpy")
    words = {keyword.arg for keyword in call.keywords}
    over_axis = "axis" in words or len(call.args) > of_module or call.func.attr == "norm"
    return over_axis and "keepdims" not in words


def handed_over(exercise: Exercise, function: object) -> str:
    """A sentence for what is no function, or another exercise's; "" if it is one to be checked."""
    name = exercise.name
    if function is None:
        return f"hand over your function, without calling it: check.{name}({name})"
    if not callable(function):
        return f"check.{name} got {kind_of(function)}: hand over the function itself, without calling it: {name}"
    other = next((one for one in EXERCISES.values() if one.name == getattr(function, "__name__", "")), exercise)
    if other.name != name:
        return f"that is `{other.name}`, of exercise {other.number}: hand over `{name}`"
    return ""


def others_like(function: Function, exercise: Exercise) -> Iterator[str]:
    """Names of functions of a learner's own that take what this exercise's function takes, under another name."""
    wanted, theirs = inspect.signature(exercise.solution).parameters, {one.name for one in EXERCISES.values()}
    for name, value in list(getattr(function, "__globals__", {}).items()):
        own = inspect.isfunction(value) and value.__module__ == function.__module__ and value is not function
        if own and name not in theirs and list(inspect.signature(value).parameters) == list(wanted):
            yield name
