"""Definitions in a learner's notebook: functions, imports and constants, read as text and never run."""

import ast
import contextlib
import json
import re
import symtable
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..storage.files import MAX_BYTES

MODULES = {"numpy", "math", "functools", "itertools", "operator", "collections", "typing", "tinyvit"}
IN_A_HEAD: tuple[type[ast.AST], ...] = (  # harmless in a head, which runs
    *(ast.Constant, ast.Tuple, ast.List, ast.UnaryOp, ast.Name, ast.Attribute),
    *(ast.Subscript, ast.expr_context, ast.unaryop, ast.BitOr),
)


class NotCollectable(Exception):
    """Raised with a sentence: why a definition cannot be taken out of its notebook."""


class Definition(NamedTuple):
    """Definition at the top level of a notebook: what a name stands for."""

    name: str
    text: str  # its lines
    node: ast.stmt

    @property
    def is_import(self) -> bool:
        return isinstance(self.node, ast.Import | ast.ImportFrom)


def definitions_in(path: Path) -> dict[str, Definition]:
    """The functions, imports and constants of a notebook by name; of several of one name, the last.

    Raises:
        NotCollectable: the file is no notebook.
    """
    found: dict[str, Definition] = {}
    for cell in _code_cells(path):
        for text, tree in _parsed(cell):
            for node in tree.body:
                for name in _names_of(node):
                    found[name] = Definition(name, _text_of(node, name, text), node)
    return found


def needed_by(name: str, known: Mapping[str, Definition]) -> list[Definition]:
    """A function and all that it needs of its notebook, what is needed first.

    Raises:
        NotCollectable: its head would run code.
    """
    order: dict[str, Definition] = {}

    def visit(name: str) -> None:
        if name in order or name not in known:
            return
        own = known[name]
        order[name] = own  # a function may call itself
        if isinstance(own.node, ast.FunctionDef):
            _refuse_running_heads(own.node)
            for needed in sorted(_globals_of(own.text)):
                visit(needed)
        order[name] = order.pop(name)

    visit(name)
    return list(order.values())


def _code_cells(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise NotCollectable(f"there is no {path.name}")
    if path.stat().st_size > MAX_BYTES:
        raise NotCollectable(f"{path.name} is too large for a notebook")
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                yield cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotCollectable(f"{path.name} is no notebook that can be read ({type(error).__name__})") from error


def _parsed(cell: str) -> list[tuple[str, ast.Module]]:
    """A cell and its tree, the notebook's own commands (`%timeit`, `!ls`) left out; nothing if it is no Python."""
    for text in (cell, re.sub(r"^([ \t]*)[%!].*", r"\1pass", cell, flags=re.MULTILINE)):
        with warnings.catch_warnings(action="ignore"):
            try:
                return [(text, ast.parse(text))]
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return []


def _names_of(node: ast.stmt) -> Iterator[str]:
    """The names that a line gives to what can be collected."""
    match node:
        case ast.FunctionDef():
            yield node.name
        case ast.Import() if all(alias.name.split(".")[0] in MODULES for alias in node.names):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        case ast.ImportFrom(module=str(module), level=0) if module.split(".")[0] in MODULES:
            yield from (alias.asname or alias.name for alias in node.names if alias.name != "*")
        case ast.Assign(targets=[ast.Name(name)]) if _is_literal(node.value):
            yield name


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _text_of(node: ast.stmt, name: str, cell: str) -> str:
    """A function as it is written, with its comments; anything else, and of an import one name alone, as Python's."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        aliases = [one for one in node.names if (one.asname or one.name) == name or one.name.startswith(f"{name}.")]
        kept = [ast.alias(one.name, one.asname) for one in aliases]
        return ast.unparse(
            ast.Import(kept) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, kept, node.level)
        )
    text = "\n".join(re.split("\r\n|\r|\n", cell)[node.lineno - 1 : node.end_lineno])
    with contextlib.suppress(SyntaxError, ValueError):
        if isinstance(node, ast.FunctionDef) and ast.dump(ast.parse(text)) == ast.dump(ast.Module([node], [])):
            return text
    return ast.unparse(node)


def _refuse_running_heads(node: ast.FunctionDef) -> None:
    if node.decorator_list:
        raise NotCollectable(f"`{node.name}` has a decorator, which would run: take it off")
    for part in ast.walk(ast.Tuple(elts=[*_in_head(node)], ctx=ast.Load())):
        if not isinstance(part, IN_A_HEAD) and not (isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr)):
            raise NotCollectable(f"the head of `{node.name}` would run code: only constants and names can stand there")


def _in_head(node: ast.FunctionDef) -> Iterator[ast.expr]:
    given = node.args
    yield from (one for one in (*given.defaults, *given.kw_defaults, node.returns) if one is not None)
    for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if argument is not None and argument.annotation is not None:
            yield argument.annotation


def _globals_of(text: str) -> set[str]:
    """Names that a function takes from outside, those of the functions inside it too."""

    def inside(table: symtable.SymbolTable) -> Iterator[str]:
        if table.get_type() != "module":
            yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
        for child in table.get_children():
            yield from inside(child)

    with warnings.catch_warnings(action="ignore"):
        return set(inside(symtable.symtable(text, "notebook", "exec")))
