"""Edits of a function's lines: one missing, two swapped, a return too early or of the wrong things."""

import ast
import copy
from itertools import pairwise, permutations


def changed(node, **fields):
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def method(value, method, *numbers):
    return ast.Call(ast.Attribute(value, method, ast.Load()), [ast.Constant(n) for n in numbers], [])


def helper(name, value):
    return ast.Call(ast.Name(name, ast.Load()), [value], [])


def statements(node, function):
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.If) and node in list(ast.walk(function)):
        yield "a missing line", []
    if isinstance(node, ast.For):
        yield "an early return", changed(node, body=[*node.body, copy.deepcopy(function.body[-1])])
        yield "a round too few", changed(node, body=[*node.body, ast.Break()])
        yield from _swapped(node)
        for n in range(len(node.body)):  # a line that slips out of the loop
            yield "a line behind the loop", [changed(node, body=_without(node.body, n)), node.body[n]]
            yield "a line before the loop", [node.body[n], changed(node, body=_without(node.body, n))]
    if isinstance(node, ast.FunctionDef) and node is function:
        yield from _swapped(node)


def _without(body, n):
    return [*body[:n], *body[n + 1 :]] or [ast.Pass()]


def _swapped(node):
    for n, (one, other) in enumerate(pairwise(node.body)):
        if _touch(one, other) or _touch(other, one):
            body = [*node.body[:n], other, one, *node.body[n + 2 :]]
            yield "lines swapped", changed(node, body=body)


def _touch(one, other):
    """Does the one give a value to a name that the other uses, or call something that may?"""
    given = {n.id for n in ast.walk(one) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in ast.walk(other) if isinstance(n, ast.Name)}
    return not isinstance(one, ast.Assign) or not isinstance(other, ast.Assign) or bool(given & used)


def returns(node, function):
    if not isinstance(node, ast.Return):
        return
    parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    for order in list(permutations(parts))[1:] if len(parts) > 1 else ():
        yield "results in another order", changed(node, value=ast.Tuple(list(order), ast.Load()))
    for index, part in enumerate(parts):
        if len(parts) > 1:
            yield "a result is missing", changed(node, value=ast.Tuple(parts[:index] + parts[index + 1 :], ast.Load()))
        for new in _spoiled(part):
            value = ast.Tuple([*parts[:index], new, *parts[index + 1 :]], ast.Load()) if len(parts) > 1 else new
            yield "a spoiled result", changed(node, value=value)
    yield "no return", ast.Expr(node.value)
    yield "a tuple of one", changed(node, value=ast.Tuple([node.value], ast.Load()))
    for name in [arg.arg for arg in [*function.args.args, *function.args.kwonlyargs]]:
        yield "an input is passed back", changed(node, value=ast.Name(name, ast.Load()))
        lines = ast.parse(f"result = None\nspoil({name})\nresult").body
        lines[0].value, lines[2] = node.value, ast.Return(lines[2].value)
        yield "an input changed in place", lines


def _spoiled(part):
    yield from (
        helper("squeezed", part),
        helper("flat", part),
        helper("positive", part),
        helper("averaged", part),
        helper("listed", part),
    )
    yield ast.BinOp(part, ast.Mult(), ast.Constant(2))
    yield ast.BinOp(part, ast.Add(), ast.Constant(1e-6))
    for text in (
        () if isinstance(part, ast.Tuple) else ("[::-1]", "[..., ::-1]", "[None]", "[0]", "[:-1]", "[1:]", "[..., :-1]")
    ):
        yield ast.parse(f"({ast.unparse(part)}){text}", mode="eval").body
