"""The house stands as planned: imports run one way, one room knows CuPy, nothing dangerous is used."""

import ast
import graphlib
from pathlib import Path

import pytest

import tinyvit
from tinyvit.ops import OPS

ROOT = Path(tinyvit.__file__).parent
OPPONENTS = {
    "torch_twin.py",
    "torch_side.py",
    "torch_run.py",
    "torch_gpu.py",
    "torch_finetuning.py",
    "their_layers.py",
}  # compared with, never used
FILES = sorted(ROOT.rglob("*.py"))
# Who may import whom: only rooms on a lower floor, or the own one.
FLOORS = {
    "errors": 0, "backend": 1, "config": 1, "ops": 2, "storage": 2, "layers": 3, "downloads": 3, "images": 4,
    "pretrained": 5, "vit": 6, "gradcheck": 7, "optim": 7, "datasets": 7, "plots": 7,
    "gpu": 8, "training": 9, "bench": 10, "course": 10, "cli": 11, "__main__": 12,
}  # fmt: skip


def room(path):
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path):
    """(absolute dotted module, level of nesting) for every import in a file, relative ones resolved."""
    package = ["tinyvit", *path.relative_to(ROOT).parts[:-1]]
    tree = ast.parse(path.read_text())
    typing_only = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    top = set(tree.body)
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (
                (f"{module}.{alias.name}" if module in ("tinyvit",) else module, node in top) for alias in node.names
            )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    if room(path) == "__init__":
        return
    for module, _ in imports(path):
        parts = module.split(".")
        if parts[0] == "tinyvit" and len(parts) > 1 and parts[1] in FLOORS:
            assert FLOORS[parts[1]] <= FLOORS[room(path)], f"{path.name} imports {module}, a floor above it"
            same_floor = FLOORS[parts[1]] == FLOORS[room(path)] and parts[1] != room(path)
            assert not same_floor, f"{path.name} imports {module}, a neighbour on its floor"


def module(path):
    return ".".join(["tinyvit", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


def arrows():
    """Which modules each module imports, also in functions and for types alone."""
    modules = {module(path): path for path in FILES if path != ROOT / "__init__.py"}  # the door, which leads everywhere
    for name, path in modules.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                base = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
                source = ".".join([*base, *([node.module] if node.module else [])])
                names = {f"{source}.{alias.name}" for alias in node.names}
                found |= (names & set(modules)) | ({source} if names - set(modules) else set())
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        yield name, (found & set(modules)) - {name}


def test_no_file_imports_itself_by_way_of_others():
    graphlib.TopologicalSorter(dict(arrows())).prepare()  # raises CycleError, which names the circle


def test_the_door_step_is_empty():
    assert {path.stem for path in ROOT.glob("*.py")} == {"__init__", "__main__", "errors", "vit"}


def test_every_room_has_a_floor():
    assert {room(path) for path in FILES} - {"__init__"} == set(FLOORS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_backend_knows_cupy_and_nobody_a_framework(path):
    packages = {module.split(".")[0] for module, _ in imports(path)}
    if path.name not in OPPONENTS:
        assert "torch" not in packages
    assert not packages & {"scipy", "sklearn", "jax", "tensorflow", "autograd", "pickle", "marshal", "dill"}
    if room(path) != "backend":
        assert not packages & {"cupy", "cupyx"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_are_imported_where_they_are_used(path):
    heavy = {"matplotlib", "cupy", "cupyx"}
    assert not {module.split(".")[0] for module, at_top in imports(path) if at_top} & heavy


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_dangerous_or_hidden(path):
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.Assert), "an assert is no error message"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "compile", "__import__", "np.load", "os.system"), called
            assert not called.startswith("np.random.") or called == "np.random.default_rng", called


@pytest.mark.parametrize("path", sorted((ROOT / "ops").glob("*.py")), ids=lambda path: path.name)
def test_ops_take_the_array_module_from_their_argument(path):
    if path.name != "positions.py":  # a table made on the host, once
        assert "numpy" not in {module for module, _ in imports(path)}


def test_forward_and_backward_stand_side_by_side():
    for path in (ROOT / "ops").glob("*.py"):
        names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        public = [name for name in names if name.endswith(("_forward", "_backward"))]
        for forward, backward in zip(public[::2], public[1::2], strict=True):
            assert forward.removesuffix("_forward") == backward.removesuffix("_backward")
            assert forward.removesuffix("_forward") in OPS, f"{forward} is not discovered"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small_and_open_with_a_sentence(path):
    text = path.read_text()
    most = 270 if path == ROOT / "vit.py" else 230  # a model's forward, backward and I/O are one story
    assert len(text.splitlines()) <= most, "would two files be clearer?"
    assert ast.get_docstring(ast.parse(text)), "the first line should tell a newcomer what this file is about"
