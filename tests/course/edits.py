"""Edits of a syntax tree that make a right function wrong: one slip of the pen each."""

import ast
import copy
from itertools import pairwise, permutations

import numpy as np

OTHERS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv, ast.Sub),
    ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod),
    ast.Mod: (ast.FloorDiv, ast.Add),
    ast.Pow: (ast.Mult, ast.Add),
    ast.MatMult: (ast.Mult, ast.Add),
    ast.Eq: (ast.NotEq, ast.LtE),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.GtE: (ast.Gt, ast.Lt),
}
NEIGHBOURS = [
    ("sum", "mean", "max", "prod"),
    ("max", "min", "argmax", "mean"),
    ("argmax", "argmin", "max"),
    ("var", "std"),
    ("exp", "log", "expm1"),
    ("sin", "cos"),
    ("cos", "sin"),
    ("log", "log2", "exp"),
    ("sqrt", "square"),
    ("minimum", "maximum"),
    ("maximum", "minimum"),
    ("zeros_like", "ones_like"),
    ("empty", "zeros"),
    ("repeat", "tile"),
    ("tile", "repeat"),
    ("sign", "abs"),
    ("abs", "sign"),
    ("eye", "ones"),
    ("append", "extend"),
]
SYMMETRIC = {"swapaxes", "maximum", "minimum"}
DONE = []  # what the helpers below have really changed: an edit that changes nothing is none


def single(value):
    """A float64 as a float32; everything else as it is."""
    if isinstance(value, float | np.ndarray) and np.asarray(value).dtype == np.float64:
        DONE.append(True)
        return np.float32(value)
    return value


def flat(value):
    """An array as a row."""
    if np.ndim(value) != 1:
        DONE.append(True)
    return value.ravel()


def positive(value):
    """An array without its signs."""
    if np.any(np.asarray(value) < 0):
        DONE.append(True)
    return np.abs(value)


def spoil(value):
    """Change every array in it, where it stands."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ():
        spoil(part)
    if isinstance(value, np.ndarray) and value.size:
        DONE.append(True)
        value += value + 1


HELPERS = {"single": single, "flat": flat, "positive": positive, "spoil": spoil}


def replace(tree, place, new):
    """Put `new`, a node or a list of statements, in the place of a node."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is place:
                setattr(parent, name, new)
                return
            if isinstance(value, list) and any(part is place for part in value):
                index = next(i for i, part in enumerate(value) if part is place)
                value[index : index + 1] = new if isinstance(new, list) else [new]
                if not value and name == "body":
                    value.append(ast.Pass())
                return


def of(node, function):
    """(kind, what to put in the place of this node) for every slip that is possible there."""
    for edit in (_operators, _numbers, _calls, _names, _transposes, _statements, _returns, _slices, _types):
        yield from edit(node, function)


def changed(node, **fields):
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _operators(node, _):
    if isinstance(node, ast.BinOp):
        for other in OTHERS.get(type(node.op), ()):
            yield "another operator", changed(node, op=other())
        yield "a missing term or factor", node.left
        yield "a missing term or factor", node.right
        if not isinstance(node.op, ast.Add | ast.Mult):
            yield "operands swapped", changed(node, left=node.right, right=node.left)
        if isinstance(node.left, ast.BinOp):  # (a + b) * c -> a + b * c
            yield "brackets", changed(node.left, right=changed(node, left=node.left.right))
        if isinstance(node.right, ast.BinOp):
            yield "brackets", changed(node.right, left=changed(node, right=node.right.left))
    if isinstance(node, ast.AugAssign):
        yield "another operator", ast.Assign([node.target], node.value, lineno=1)
        yield "another operator", changed(node, op=ast.Sub() if isinstance(node.op, ast.Add) else ast.Add())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "a sign", node.operand
    if isinstance(node, ast.BinOp | ast.Call | ast.Subscript) and isinstance(
        node.ctx if hasattr(node, "ctx") else ast.Load(), ast.Load
    ):
        yield "a sign", ast.UnaryOp(ast.USub(), node)
    if isinstance(node, ast.Compare):
        for other in OTHERS.get(type(node.ops[0]), ()):
            yield "another comparison", changed(node, ops=[other()])


def _numbers(node, _):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, -node.value, 2 * node.value):
            if value != node.value:
                yield "another number", ast.Constant(value)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "->" in node.value:
        terms, out = node.value.split("->")
        for order in permutations(out):
            yield "axes swapped", ast.Constant(f"{terms}->{''.join(order)}")
        for i, j in ((0, 1), (3, 4)):
            letters = list(terms)
            letters[i], letters[j] = letters[j], letters[i]
            yield "axes swapped", ast.Constant(f"{''.join(letters)}->{out}")


def _calls(node, _):
    if not isinstance(node, ast.Call):
        return
    for index, keyword in enumerate(node.keywords):
        rest = node.keywords[:index] + node.keywords[index + 1 :]
        yield f"{keyword.arg} is missing", changed(node, keywords=rest)
    for index in range(len(node.args)):
        yield "an argument is missing", changed(node, args=node.args[:index] + node.args[index + 1 :])
        for other in range(index) if _name(node.func) not in SYMMETRIC else ():
            args = list(node.args)
            args[index], args[other] = args[other], args[index]
            yield "arguments swapped", changed(node, args=args)
    if isinstance(node.func, ast.Attribute):
        for word, *others in NEIGHBOURS:
            for other in others if node.func.attr == word else ():
                yield "another function", changed(node, func=changed(node.func, attr=other))
        of_module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "xp", "math", "ops", "json")
        if not of_module:
            yield "a call is missing", node.func.value
            if node.func.attr in ("sum", "mean") and not any(k.arg == "keepdims" for k in node.keywords):
                yield "keepdims", changed(node, keywords=[*node.keywords, ast.keyword("keepdims", ast.Constant(True))])
    if len(node.args) >= 1 and isinstance(node.func, ast.Attribute | ast.Name):
        yield "a call is missing", node.args[0]


def _name(function):
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _names(node, function):
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    own = {arg.arg for arg in [*function.args.args, *function.args.kwonlyargs]}
    own |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if node.id in own:
        for other in sorted(own - {node.id, "_"}):
            yield "another name", ast.Name(other, ast.Load())


def _transposes(node, _):
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "not transposed", node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for side in ("left", "right"):
            part = getattr(node, side)
            yield "transposed", changed(node, **{side: ast.Attribute(part, "T", ast.Load())})
            yield "transposed", changed(node, **{side: _call(part, "swapaxes", -1, -2)})
        yield "transposed", _call(node, "swapaxes", -1, -2)


def _call(value, method, *numbers):
    return ast.Call(ast.Attribute(value, method, ast.Load()), [ast.Constant(n) for n in numbers], [])


def _statements(node, function):
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


def _returns(node, function):
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
        _call(part, "squeeze"),
        _helper("flat", part),
        _helper("positive", part),
        _call(part, "mean"),
        _call(part, "tolist"),
    )
    yield ast.BinOp(part, ast.Mult(), ast.Constant(2))
    yield ast.BinOp(part, ast.Add(), ast.Constant(1e-6))
    for text in (
        () if isinstance(part, ast.Tuple) else ("[::-1]", "[..., ::-1]", "[None]", "[0]", "[:-1]", "[1:]", "[..., :-1]")
    ):
        yield ast.parse(f"({ast.unparse(part)}){text}", mode="eval").body


def _slices(node, _):
    if isinstance(node, ast.Slice):
        for name in ("lower", "upper", "step"):
            bound = getattr(node, name)
            if bound is not None:
                yield "a slice's end", changed(node, **{name: None})
                yield "off by one", changed(node, **{name: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
                yield "off by one", changed(node, **{name: ast.BinOp(bound, ast.Sub(), ast.Constant(1))})
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield "not indexed", node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        last = node.args[1 if len(node.args) > 1 else 0]
        for op in (ast.Add(), ast.Sub()):
            new = ast.BinOp(last, op, ast.Constant(1))
            yield "off by one", changed(node, args=[new if arg is last else arg for arg in node.args])
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and 1 < len(node.elts) < 4:
        yield "another order", changed(node, elts=[*node.elts[1:], node.elts[0]])
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
        yield "another order", changed(node, elts=[*node.elts[1:], node.elts[0]])


def _types(node, _):
    """A float32 in the middle: the result is float64 again, and right to seven digits."""
    if isinstance(node, ast.BinOp | ast.Call):
        yield "float32", _helper("single", node)


def _helper(name, value):
    return ast.Call(ast.Name(name, ast.Load()), [value], [])
