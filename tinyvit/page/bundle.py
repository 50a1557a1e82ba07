"""One classic script of many modules: a page opened from disk may load a script, but no module.

Each module becomes a function that is called once, after those that it imports from:

    import { a, b as c } from "./x.js";        const { a, b: c } = modules["x.js"];
    export const d = a + c;                    const d = a + c;    return { d };

The code in between stays as it is, with its comments.
"""

import graphlib
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import UserError

IMPORT = re.compile(r'^import (?:\{([^}]*)\}|\* as (\w+)) from "([^"]+)";[^\n]*\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|class|function)\b)", re.MULTILINE)
EXPORTED = re.compile(r"^export (?:async )?(?:const|let|class|function\*?) ([\w$]+)", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*|^.*\bimport(?:\.meta|\().*", re.MULTILINE)


def bundle(folder: Path, entry: str, *, instead: Mapping[str, str] | None = None) -> str:
    """The module `entry` in `folder` and all that it imports, as the text of one script without imports.

    Args:
        entry: the path of a module, from `folder` on.
        instead: other modules to take for some, path -> path.

    Raises:
        UserError: a module is missing, imports itself by way of others, or has imports or exports of another form.
    """
    texts: dict[str, str] = {}
    imported: dict[str, list[str]] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in texts:
            texts[path] = _read(folder, (instead or {}).get(path, path))
            imported[path] = [_target(path, found[3]) for found in IMPORT.finditer(texts[path])]
            waiting += imported[path]
    try:
        order = list(graphlib.TopologicalSorter(imported).static_order())
    except graphlib.CycleError as error:
        raise UserError(f"modules import themselves: {' -> '.join(error.args[1])}; cut the circle") from error
    return '"use strict";\nconst modules = {};\n' + "".join(_wrapped(path, texts[path]) for path in order)


def _read(folder: Path, path: str) -> str:
    try:
        return (folder / path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"the page's module {path} cannot be read ({error.strerror}): install tinyvit anew") from error


def _target(path: str, given: str) -> str:
    """The path of a module that the one at `path` imports from as `given`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), given))


def _wrapped(path: str, text: str) -> str:
    def const(found: re.Match[str]) -> str:
        names = "{" + found[1].replace(" as ", ": ") + "}" if found[1] is not None else found[2]
        return f'const {names} = modules["{_target(path, found[3])}"];\n'

    names = EXPORTED.findall(text)
    body = EXPORT.sub("", IMPORT.sub(const, text))
    if odd := OTHER.search(body):
        raise UserError(f"{path} has a line that no classic script can have: {odd[0][:80]!r}")
    return f'\n// ---- {path}\nmodules["{path}"] = (() => {{\n{body}\nreturn {{ {", ".join(names)} }};\n}})();\n'
