"""The reference: a page for each folder of the package, and docstrings as Sphinx wants them.

A docstring is plain text: it says formulas by spaces and line breaks. So here nothing in it is markup but `code`, lines
that are laid out stay as they are, and only the sections Args, Returns, Raises are read as such, by napoleon.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path

SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):$")
LAID_OUT = re.compile(r"^\s|\S {3,}\S")  # indented, or with columns
MARKUP = re.compile(r"([\\*_|<>])")


def folder_page(root: Path, path: str, pages: dict[str, str]) -> str:
    """The page of a package: what it says of itself, its files, and its public names."""
    module = path.replace("/", ".")
    lines = ["---", "orphan: true", "---", f"# {module}", ""]
    lines += ["```{eval-rst}", f".. automodule:: {module}", "   :no-members:", "```", ""]
    if (readme := f"{path}/README.md") in pages:
        lines += [f"There is [a page about it](../{readme}).", ""]
    lines += ["## Files", "", "| File | What it is about |", "|---|---|"]
    for each in sorted((root / path).glob("*.py")):
        place = pages[each.relative_to(root).as_posix()]
        lines.append(f'| <a href="../{place}"><code>{escaped(each.name)}</code></a> | {first_line(each)} |')
    for each in sorted((root / path).glob("*/__init__.py")):
        place = pages[each.parent.relative_to(root).as_posix()]
        lines.append(f"| [`{each.parent.name}/`](../{place}) | {first_line(each)} |")
    rooms = [f"tinyvit.{each.parent.name}" for each in (root / "tinyvit").glob("*/__init__.py")]
    lines += public_names(module, rooms if module == "tinyvit" else [])
    return "\n".join(lines) + "\n"


def public_names(module: str, rooms: Sequence[str]) -> list[str]:
    """The names in a package's `__all__`, below the file that each is from, in the order of that file.

    Classes that one of `rooms` has, too, are indexed there.
    """
    package = importlib.import_module(module)
    homes: dict[str, list[tuple[int, str, str]]] = {}
    for name in getattr(package, "__all__", ()):
        found = inspect.unwrap(getattr(package, name))
        home = getattr(found, "__module__", "") or ""
        if home.startswith("tinyvit.") and (inspect.isclass(found) or inspect.isfunction(found)):
            kind = "autoclass" if inspect.isclass(found) else "autofunction"
            homes.setdefault(home, []).append((inspect.getsourcelines(found)[1], kind, name))
    elsewhere = {name for room in rooms for name in getattr(importlib.import_module(room), "__all__", ())}
    lines: list[str] = []
    for home, names in sorted(homes.items()):
        lines += ["", f"## {home.removeprefix(module + '.')}", "", "```{eval-rst}"]
        lines += [f".. automodule:: {home}", "   :no-members:", "   :noindex:", ""] if home != module else []
        for _, kind, name in sorted(names):
            lines += [f".. {kind}:: {module}.{name}", *(["   :members:"] if kind == "autoclass" else [])]
            lines += ["   :no-index:", ""] if name in elsewhere else [""]
        lines.append("```")
    return lines


def first_line(path: Path) -> str:
    """The first line of a module's or package's docstring, as a cell of a table."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return escaped(text.partition("\n")[0]).replace("``", "`")


def escaped(line: str) -> str:
    """A line of a docstring in which only `code` is markup."""
    parts = line.split("`")
    if len(parts) % 2 == 0:  # a backtick alone
        return MARKUP.sub(r"\\\1", line).replace("`", r"\`")
    parts[::2] = [MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    return "``".join(parts)


def as_restructured_text(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText: sections are kept, lines that are laid out become literal blocks."""
    result: list[str] = []
    in_section = literal = False
    for line in lines:
        in_section = in_section or bool(SECTION.match(line))
        laid_out = not in_section and bool(LAID_OUT.search(line))
        if laid_out and not literal:
            result += ["", ".. code-block:: text", ""]
        elif literal and not laid_out and line:
            result.append("")
        literal = laid_out or (literal and not line)
        result.append(f"   {line}" if literal else line if SECTION.match(line) else escaped(line))
    return result
