"""The lessons in the browser, with nothing installed: JupyterLite, Pyodide (Python as WebAssembly), and tinyvit.

Pyodide's files come from a folder of the user's, and are those of the official release or refused: its lock file and
runtime by the hashes below, its packages by those in the lock file. What the lessons do not need is left out.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import tinyvit

from .browser_notebook import browser_notebook

PYODIDE = {  # 0.27.7, which JupyterLite's kernel 0.6 wants: SHA-256 of what its lock file does not list
    "pyodide-lock.json": "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c",
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.mjs": "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
}
PACKAGES = (
    "ipython",
    "jedi",
    "matplotlib",
    "micropip",
    "numpy",
    "packaging",
    "pillow",
    "sqlite3",
    "ssl",
    "threadpoolctl",
)
INSTALLED = ("comm",)  # pure Python, and asked for by the kernel: as it is installed here


def wrong_files(folder: Path) -> Iterator[str]:
    """What is missing in a folder of Pyodide, or is not the official file, a sentence each."""
    for name, wanted in PYODIDE.items():
        yield from wrong_file(folder / name, wanted)
        if name == "pyodide-lock.json" and next(wrong_file(folder / name, wanted), None):
            return  # it says which packages there are
    for package in packages(folder):
        yield from wrong_file(folder / package["file_name"], package["sha256"])


def wrong_file(path: Path, wanted: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{path} is not there: put the files of Pyodide 0.27.7 into one folder"
    elif hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
        yield f"{path} is not the official file of Pyodide 0.27.7 (SHA-256 {wanted}): take another copy"


def packages(folder: Path) -> list[dict[str, str]]:
    """The entries of the lock file that the lessons need, with what those need."""
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))["packages"]
    known = {name.lower().replace("_", "-"): entry for name, entry in lock.items()}
    needed, asked = {}, list(PACKAGES)
    while asked:
        name = asked.pop().lower().replace("_", "-")
        if name not in needed:
            needed[name] = known[name]
            asked += known[name]["depends"]
    return [needed[name] for name in sorted(needed)]


def add_lite(root: Path, pyodide: Path, site: Path, scratch: Path) -> None:
    """Write the folder `lite` of the site, from files that have been checked.

    Raises:
        subprocess.CalledProcessError: JupyterLite could not be built.
    """
    place, contents, wheels = scratch / "static" / "pyodide", scratch / "contents", scratch / "wheels"
    for folder in (place, contents, wheels):
        folder.mkdir(parents=True)
    for name in (*PYODIDE, *(package["file_name"] for package in packages(pyodide))):
        shutil.copy(pyodide / name, place)
    (contents / "solutions").mkdir()
    for path in sorted((root / "lessons").glob("**/[0-9]*.ipynb")):
        place = contents / path.relative_to(root / "lessons")
        if place.parent.is_dir():  # neither a site nor copies that somebody keeps there
            place.write_text(browser_notebook(path), encoding="utf-8")
    paths = [own_wheel(root, wheels), *(wheel_of_installed(name, wheels) for name in INSTALLED)]
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", scratch, "--output-dir", site / "lite"]
    command += ["--contents", contents, "--apps", "lab", "--no-sourcemaps", "--no-unused-shared-packages"]
    command += [word for path in paths for word in ("--piplite-wheels", path)]
    done = subprocess.run([*map(str, command)], cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr)
        done.check_returncode()


def own_wheel(root: Path, folder: Path) -> Path:
    """tinyvit as a wheel for the browser, the data that the lessons use beside it, where it looks for them."""
    path = folder / f"tinyvit-{tinyvit.__version__}-py3-none-any.whl"
    about = f"tinyvit-{tinyvit.__version__}.dist-info"
    needs = ("matplotlib", "numpy", "pillow", "threadpoolctl")  # safetensors has no wheel; tqdm is for the command line
    lines = ["Metadata-Version: 2.1", "Name: tinyvit", f"Version: {tinyvit.__version__}"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for part in ("tinyvit", "data/mnist", "data/mnist-vit", "data/vit-stand-in"):
            for file in sorted((root / part).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    wheel.write(file, file.relative_to(root).as_posix())
        wheel.writestr(f"{about}/METADATA", "\n".join([*lines, *(f"Requires-Dist: {name}" for name in needs), ""]))
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: tinyvit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path


def wheel_of_installed(name: str, folder: Path) -> Path:
    """A package of pure Python that is installed here, as a wheel again."""
    package = metadata.distribution(name)
    path = folder / f"{name}-{package.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in package.files or ():
            if file.suffix != ".pyc" and ".." not in file.parts:  # scripts lie elsewhere
                wheel.write(file.locate(), file.as_posix())
    return path
