"""The house stands as planned: imports run one way, one room knows CuPy, nothing dangerous is used.

Every file is read and parsed once; each test is a rule that all of them keep, and names the places where they do not.
"""

import ast
import graphlib
from pathlib import Path
from typing import NamedTuple

import tinyvit
from tests.support import python_files
from tinyvit.ops import OPS

ROOT = Path(tinyvit.__file__).parent
TESTS = Path(__file__).parent
OPPONENTS = {
    "torch_tasks.py",
    "torch_twin.py",
    "torch_dit.py",
    "torch_side.py",
    "torch_run.py",
    "torch_gpu.py",
    "torch_finetuning.py",
    "their_layers.py",
}  # compared with, never used
# Who may import whom: only rooms on a lower floor, or the own one.
FLOORS = {
    "errors": 0, "backend": 1, "config": 1, "ops": 2, "storage": 2, "layers": 3, "images": 4,
    "pretrained": 5, "vit": 6, "gradcheck": 7, "optim": 7, "datasets": 7, "looking": 7, "plots": 8,
    "evaluation": 9, "gpu": 9, "tasks": 10, "training": 11, "tuning": 12, "bench": 12, "course": 12, "page": 12, "exporting": 12, "cli": 13, "__main__": 14,
}  # fmt: skip


class Import(NamedTuple):
    """One `import a.b` or one name of a `from a import b`, with the relative ones resolved."""

    module: str
    name: str  # "" for `import a.b`
    at_top: bool  # runs when the file is imported
    for_types: bool  # under `if TYPE_CHECKING`

    @property
    def package(self):
        return self.module.split(".")[0]


class Module(NamedTuple):
    """A file of the package, parsed."""

    path: Path
    text: str
    tree: ast.Module
    imports: list[Import]

    @property
    def name(self):
        return ".".join(["tinyvit", *self.path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")

    @property
    def room(self):
        return self.path.relative_to(ROOT).parts[0].removesuffix(".py")

    def __repr__(self):
        return str(self.path.relative_to(ROOT))


def imports(tree, package):
    for_types = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    top = set(tree.body)
    for node in ast.walk(tree):
        where = node in top, node in for_types
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", *where) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(source, alias.name, *where) for alias in node.names)


def parsed(path):
    text = path.read_text()
    tree = ast.parse(text)
    return Module(path, text, tree, list(imports(tree, ["tinyvit", *path.relative_to(ROOT).parts[:-1]])))


MODULES = [parsed(path) for path in python_files(ROOT)]


def room_of(imported):
    """The room that an import leads to: `from tinyvit import vit` leads to vit, as `import tinyvit.vit` does."""
    parts = f"{imported.module}.{imported.name}".split(".")
    return parts[1] if parts[0] == "tinyvit" and parts[1] in FLOORS else None


def test_imports_run_one_way():
    upward = [
        f"{module} imports {imported.module} {imported.name}".rstrip()
        for module in MODULES
        if module.room != "__init__"
        for imported in module.imports
        if not imported.for_types and (target := room_of(imported)) and target != module.room
        if FLOORS[target] >= FLOORS[module.room]  # a floor above it, or a neighbour on its floor
    ]
    assert not upward


def test_no_file_imports_itself_by_way_of_others():
    """Imports within functions and for types alone are arrows too; the door, tinyvit itself, leads everywhere."""
    known = {module.name for module in MODULES if module.name != "tinyvit"}
    graph = {}
    for module in MODULES:
        targets = {(imported.module, f"{imported.module}.{imported.name}") for imported in module.imports}
        graph[module.name] = {name if name in known else source for source, name in targets} & known - {module.name}
    del graph["tinyvit"]
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_door_step_is_empty():
    assert {path.stem for path in ROOT.glob("*.py")} == {"__init__", "__main__", "errors", "vit"}


def test_every_room_has_a_floor():
    assert {module.room for module in MODULES} - {"__init__"} == set(FLOORS)


def test_only_the_backend_knows_cupy_and_nobody_a_framework():
    never = {"scipy", "sklearn", "jax", "tensorflow", "autograd", "pickle", "marshal", "dill"}
    for module in MODULES:
        packages = {imported.package for imported in module.imports if not imported.for_types}
        assert not packages & never, module
        assert "torch" not in packages or module.path.name in OPPONENTS, module
        assert not packages & {"cupy", "cupyx"} or module.room == "backend", module


def test_heavy_packages_are_imported_where_they_are_used():
    for module in MODULES:
        at_top = {imported.package for imported in module.imports if imported.at_top}
        assert not at_top & {"matplotlib", "cupy", "cupyx"}, module


def test_nothing_dangerous_or_hidden():
    """But for bug hunts, which run the package's own solutions with one line of the package's own in another's place."""
    never = {"eval", "exec", "compile", "__import__", "np.load", "os.system"}
    for module in MODULES:
        refused = never - {"exec", "compile"} if str(module) == "course/bug_hunt.py" else never
        for node in ast.walk(module.tree):
            assert not isinstance(node, ast.Assert), f"{module}: an assert is no error message"
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in refused, f"{module} calls {called}"
                assert not called.startswith("np.random.") or called == "np.random.default_rng", f"{module}: {called}"


def test_integers_are_counted_where_indices_have_32_bits_too():
    """`np.bincount` itself refuses int64 there: in a browser."""
    for module in MODULES:
        if module.room != "backend":
            called = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
            assert "np.bincount" not in called, f"{module}: count by backend.bincount"


def test_ops_take_the_array_module_from_their_argument():
    for module in MODULES:
        if module.room == "ops" and module.path.name != "positions.py":  # a table made on the host, once
            assert "numpy" not in {imported.module for imported in module.imports if not imported.for_types}, module


def test_forward_and_backward_stand_side_by_side():
    for module in MODULES:
        if module.room != "ops":
            continue
        names = [node.name for node in module.tree.body if isinstance(node, ast.FunctionDef)]
        public = [name for name in names if name.endswith(("_forward", "_backward"))]
        for forward, backward in zip(public[::2], public[1::2], strict=True):
            assert forward.removesuffix("_forward") == backward.removesuffix("_backward")
            assert forward.removesuffix("_forward") in OPS, f"{forward} is not discovered"


def test_docstrings_open_with_a_verb_or_a_noun():
    """What a thing is called in the field comes first, not a sentence around it."""
    sentences = ("What ", "Where ", "Which ", "Who ", "How ", "Those ", "That ")
    openings = [
        f"{module}: {text.splitlines()[0]}"
        for module in MODULES
        if "exercises" not in module.path.parts
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if (text := ast.get_docstring(node) or "").startswith(sentences)
    ]
    assert not openings, "\n".join(openings)


def test_limits_are_called_max_or_min():
    never = ("MOST", "LEAST", "LONGEST", "SHORTEST", "WIDEST", "LARGEST", "SMALLEST", "HIGHEST", "LOWEST", "FEWEST")
    names = {
        f"{module}: {node.id}"
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id.isupper() and set(never) & set(node.id.split("_"))
    }
    assert not names


def test_files_stay_small_and_open_with_a_sentence():
    for module in MODULES:
        most = 280 if module.name == "tinyvit.vit" else 230  # a model's forward, backward and I/O are one story
        assert len(module.text.splitlines()) <= most, f"{module}: would two files be clearer?"
        assert ast.get_docstring(module.tree), f"{module}: the first line should tell a newcomer what it is about"


def test_names_of_tests_are_short():
    names = [
        f"{path.name}: {name} has {len(name)} characters"
        for path in TESTS.rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if (name := getattr(node, "name", "")).startswith("test_") and len(name) >= 60
    ]
    assert not names, "\n".join(names)


def test_tests_find_each_other_as_a_package():
    for path in TESTS.rglob("*.py"):
        if path != Path(__file__):
            assert "sys.path." not in path.read_text(), f"{path}: import it as tests.support"
