"""A learner's function beside a right one, as syntax trees: where they differ in one place only, that is the mistake.

Names of one's own, temporary ones, the order of a sum's terms and `np.mean(x)` for `x.mean()` make no difference.
"""

import ast
import copy
import inspect
from collections.abc import Iterator

from .exercise import Function
from .source import body_of, tree_of

Difference = tuple[ast.AST, ast.AST | None]  # what stands there, and what a right version has there
METHODS = {"sum", "mean", "max", "min", "var", "std", "argmax", "reshape", "transpose", "swapaxes", "copy", "squeeze"}
MISSING, MOVED, REORDERED = ast.Pass(), ast.Pass(), ast.Pass()  # in the place of what a right version has there
SMALL = 12  # nodes of a part that is another one: what is larger is another way to write it, and may be right
AXIS_FIRST = {"sum", "mean", "max", "min", "var", "std", "argmax"}


def only_difference(function: Function, solution: str) -> str:
    """A sentence about the one place in which the function is not the solution; "" if there are more, or none."""
    tree = tree_of(function)
    right = ast.parse(solution).body[0] if solution else None
    if not isinstance(tree, ast.FunctionDef) or not isinstance(right, ast.FunctionDef):
        return ""
    if len(tree.args.args + tree.args.kwonlyargs) != len(right.args.args + right.args.kwonlyargs):
        return ""
    tries = (_inlined(tree), _inlined(right)), (_named(tree), _named(right))
    for ours, theirs in tries:
        if ours is None or theirs is None:
            continue
        places = {(line_of(one), getattr(one, "col_offset", 0)): (one, other) for one, other in _differ(ours, theirs)}
        if len(places) == 1:
            ((one, other),) = places.values()
            said, line = _said(one, other), line_of(one)
            if said and line:
                return f"look at line {line}, `{_text(function, line)}`: {said}"
    return ""


def line_of(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _text(function: Function, line: int) -> str:
    """A line of the function as it was written, without its remark."""
    lines = inspect.getsource(function).splitlines()
    text = lines[line - 1].split("  #")[0].strip() if line <= len(lines) else ""
    return text if len(text) <= 70 else text[:67] + "..."


def _said(one: ast.AST, other: ast.AST | None) -> str:
    """Kind of a difference, without saying what would be right."""
    if other is None:
        return "that is one too many, or in the wrong place"
    if other is MISSING:
        return "a line is missing before this one, or behind it"
    if other is MOVED:
        return "it stands in the wrong place among the others"
    if other is REORDERED:
        return "its parts are the right ones, in another order"
    if isinstance(one, ast.BinOp) and isinstance(other, ast.BinOp):
        if _equal(one.left, other.left) and _equal(one.right, other.right):
            return "the operator is another one"
        if _equal(one.left, other.right) and _equal(one.right, other.left):
            return "the two sides stand the other way round"
    if isinstance(one, ast.Compare) and isinstance(other, ast.Compare):
        return "the comparison is another one"
    if all(isinstance(_plain(node) or node, ast.Constant) for node in (one, other)):  # -1 and 1 may be places
        text = isinstance(one, ast.Constant) and isinstance(one.value, str)
        return f"the {'text' if text else 'number'} is another one"
    if any(_equal(plain, two) for plain, two in ((_plain(one), other), (_plain(other), one)) if plain is not None):
        return "the sign is the other one"
    if isinstance(one, ast.Call) and isinstance(other, ast.Call) and _equal(one.func, other.func):
        lost = [f"{word.arg}=" for word in other.keywords if word.arg not in {mine.arg for mine in one.keywords}]
        return (
            f"{' and '.join(lost)} {'is' if len(lost) == 1 else 'are'} missing"
            if lost
            else "it is called with other things"
        )
    if any(_equal(one, part) for part in ast.walk(other)):
        return "something is missing here"
    if any(_equal(part, other) for part in ast.walk(one)):
        return "that is more than is wanted"
    if isinstance(one, ast.Tuple | ast.List) and isinstance(other, ast.Tuple | ast.List):
        return "its parts are others, or in another order"
    small = max(sum(1 for _ in ast.walk(tree)) for tree in (one, other)) <= SMALL
    return "something else belongs here" if small and not isinstance(one, ast.stmt) else ""


def _plain(node: ast.AST) -> ast.AST | None:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else None


def _equal(one: ast.AST, other: ast.AST) -> bool:
    return ast.dump(one) == ast.dump(other)


class _Canonical(ast.NodeTransformer):
    """np.mean(x, -1) and x.mean(axis=-1) as one and the same."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        func = node.func
        if not isinstance(func, ast.Attribute) or func.attr not in METHODS:
            return node
        if isinstance(func.value, ast.Name) and func.value.id in ("np", "xp", "numpy") and node.args:
            node.func, node.args = (
                ast.copy_location(ast.Attribute(node.args[0], func.attr, ast.Load()), node),
                node.args[1:],
            )
        if func.attr in AXIS_FIRST and node.args:
            node.keywords = [ast.keyword("axis", node.args[0]), *node.keywords]
            node.args = node.args[1:]
        node.keywords.sort(key=lambda word: word.arg or "")
        return node


class _Inline(ast.NodeTransformer):
    """Names replaced by what they stand for."""

    def __init__(self, known: dict[str, ast.expr]):
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not isinstance(node.ctx, ast.Load) or node.id not in self.known:
            return node
        return ast.copy_location(copy.deepcopy(self.known[node.id]), node)


def _inlined(tree: ast.FunctionDef) -> ast.AST | None:
    """Result of a function without loops, as one expression of its arguments; None where there is more to it."""
    known: dict[str, ast.expr] = {
        arg.arg: ast.Name(f"argument {n}", ast.Load()) for n, arg in enumerate([*tree.args.args, *tree.args.kwonlyargs])
    }
    for line in body_of(_Canonical().visit(copy.deepcopy(tree))):
        if isinstance(line, ast.Return) and line.value is not None:
            return _Inline(known).visit(line.value)
        if not isinstance(line, ast.Assign) or len(line.targets) != 1:
            return None
        value = _Inline(known).visit(line.value)
        for name, part in _bound(line.targets[0], value):
            if not name:
                return None
            known[name] = part
    return None


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts, strict=True):
            yield from _bound(one, part)
    elif isinstance(target, ast.Tuple):
        for n, one in enumerate(target.elts):
            yield from _bound(one, ast.copy_location(ast.Subscript(value, ast.Constant(n), ast.Load()), one))
    else:
        yield "", value


def _named(tree: ast.FunctionDef) -> ast.AST:
    """A function with its own names numbered in the order in which they come."""
    tree = _Canonical().visit(copy.deepcopy(tree))
    names = {arg.arg: f"name {n}" for n, arg in enumerate([*tree.args.args, *tree.args.kwonlyargs])}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, f"name {len(names)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.Module(body_of(tree), [])


def _differ(one: ast.AST, other: ast.AST) -> list[Difference]:
    """The places where two trees differ, as few and as small as may be."""
    if type(one) is not type(other):
        return [(one, other)]
    if isinstance(one, ast.BinOp) and isinstance(other, ast.BinOp) and type(one.op) is type(other.op):
        straight = _differ(one.left, other.left) + _differ(one.right, other.right)
        if straight and isinstance(one.op, ast.Add | ast.Mult):
            crossed = _differ(one.left, other.right) + _differ(one.right, other.left)
            straight = min(straight, crossed, key=len)
        swapped = _equal(one.left, other.right) and _equal(one.right, other.left)
        return [(one, other)] if swapped and len(straight) > 1 else straight
    found: list[Difference] = []
    for name, mine in ast.iter_fields(one):
        theirs = getattr(other, name)
        if isinstance(mine, ast.expr_context) or name in ("kind", "type_comment", "lineno"):
            continue
        if isinstance(mine, ast.AST) and isinstance(theirs, ast.AST):
            part = _differ(mine, theirs)
            found += [(one, other)] if part and isinstance(mine, ast.operator | ast.unaryop | ast.cmpop) else part
        elif isinstance(mine, list) and isinstance(theirs, list):
            found += _differ_in_list(one, other, mine, theirs)
        elif mine != theirs:
            found.append((one, other))
    return found


def _differ_in_list(one: ast.AST, other: ast.AST, mine: list[ast.AST], theirs: list[ast.AST]) -> list[Difference]:
    if len(mine) == len(theirs):
        if all(isinstance(part, ast.cmpop) for part in mine):
            return [] if list(map(type, mine)) == list(map(type, theirs)) else [(one, other)]
        found = [difference for a, b in zip(mine, theirs, strict=True) for difference in _differ(a, b)]
        moved = sorted(map(ast.dump, mine)) == sorted(map(ast.dump, theirs))
        first = next((a for a, b in zip(mine, theirs, strict=True) if not _equal(a, b)), one)
        kind = REORDERED if isinstance(one, ast.Tuple | ast.List) else MOVED
        return [(first, kind)] if found and moved and hasattr(first, "lineno") else found
    if len(mine) == len(theirs) + 1:
        for n, part in enumerate(mine):
            if hasattr(part, "lineno") and all(map(_equal, mine[:n] + mine[n + 1 :], theirs)):
                return [(part, None)]
    lines = bool(mine) and isinstance(mine[0], ast.stmt)
    if lines and len(theirs) == len(mine) + 1:
        for n in range(len(theirs)):
            if all(map(_equal, theirs[:n] + theirs[n + 1 :], mine)):
                return [(mine[min(n, len(mine) - 1)], MISSING)]
    if lines:  # lines that do not go together: that is another way to write it
        return [(mine[0], other), (mine[-1], None), (other, one)]
    return [(one if hasattr(one, "lineno") or not mine else mine[-1], other)]
