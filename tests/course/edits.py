"""Edits of a syntax tree that make a right function wrong: one slip of the pen each."""

import ast
from itertools import permutations

from tests.course import line_edits
from tests.course.line_edits import changed, helper, method

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
    for edit in (
        _operators,
        _numbers,
        _calls,
        _names,
        _transposes,
        line_edits.statements,
        line_edits.returns,
        _slices,
        _types,
    ):
        yield from edit(node, function)


def _operators(node, _):
    if isinstance(node, ast.BinOp):
        for other in OTHERS.get(type(node.op), ()):
            yield "another operator", changed(node, op=other())
        yield "a missing term or factor", node.left
        yield "a missing term or factor", node.right
        if not isinstance(node.op, ast.Add | ast.Mult):
            yield "operands swapped", changed(node, left=node.right, right=node.left)
        if isinstance(node.left, ast.BinOp) and not _associate(node.left.op, node.op):  # (a + b) * c -> a + b * c
            yield "brackets", changed(node.left, right=changed(node, left=node.left.right))
        if isinstance(node.right, ast.BinOp) and not _associate(node.op, node.right.op):
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


def _associate(first, second):
    """Is (a . b) : c the same as a . (b : c)?"""
    products, sums = (ast.Mult, ast.MatMult), (ast.Add,)
    if isinstance(first, sums):
        return isinstance(second, sums)
    return isinstance(first, products) and isinstance(second, (*products, ast.Div))


def _numbers(node, _):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, -node.value, 2 * node.value):
            if value != node.value:
                yield "another number", ast.parse(repr(value), mode="eval").body
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
        for other in sorted(own - {node.id, "_"} - _aliases(node.id, function)):
            yield "another name", ast.Name(other, ast.Load())


def _aliases(name, function):
    """Names for the same thing: P and patch_size, after P = patch_size."""
    pairs = []
    for line in ast.walk(function):
        if isinstance(line, ast.Assign):
            targets, values = ([one] for one in (line.targets[0], line.value))
            if isinstance(line.targets[0], ast.Tuple) and isinstance(line.value, ast.Tuple):
                targets, values = line.targets[0].elts, line.value.elts
            pairs += [
                {one.id, other.id} for one, other in zip(targets, values, strict=False) if _both_names(one, other)
            ]
    return {other for pair in pairs if name in pair for other in pair}


def _both_names(one, other):
    return isinstance(one, ast.Name) and isinstance(other, ast.Name)


def _transposes(node, _):
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "not transposed", node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for side in ("left", "right"):
            part = getattr(node, side)
            yield "transposed", changed(node, **{side: ast.Attribute(part, "T", ast.Load())})
            yield "transposed", changed(node, **{side: method(part, "swapaxes", -1, -2)})
        yield "transposed", method(node, "swapaxes", -1, -2)


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
        yield "float32", helper("single", node)
