"""`tinyvit doctor`: report what is installed, what is missing, and what to do about it."""

import argparse
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata

from ..errors import UserError
from .flags import SUB_PARSERS
from .output import say


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "doctor", help="check the installation", description="Python, NumPy and its matrix library, GPU, data."
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import numpy as np
    from threadpoolctl import threadpool_info

    from .. import __version__

    _say("tinyvit", __version__)
    _say("python", f"{platform.python_version()} at {sys.executable}")
    _say("system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    _say("numpy", np.__version__)
    for library in threadpool_info():
        name = f"{library.get('internal_api')} {library.get('version')}"
        _say("matrix library", f"{name}, up to {library.get('num_threads')} threads")
    for package in ("pillow", "matplotlib", "tqdm", "threadpoolctl"):
        _say(package, _version(package) or f"missing: python -m pip install {package}")
    _say("pillow-heif", _version("pillow-heif") or "not installed (only HEIC images need it)")
    _say("huggingface_hub", _version("huggingface_hub") or "not installed (only models by name need it)")
    for package in ("onnx", "onnxruntime"):
        _say(package, _version(package) or "not installed (only tinyvit export needs it)")
    _say("mpi4py", _version("mpi4py") or "not installed (only tinyvit train --distributed needs it)")
    _gpu()
    _data()
    return 0


def _gpu() -> None:
    from ..backend import available_devices
    from ..backend.devices import INSTALL_CUPY

    cupy = next((name for name in ("cupy-cuda13x", "cupy-cuda12x", "cupy") if _version(name)), None)
    gpus = available_devices()[1:]
    _say("cupy", f"{cupy} {_version(cupy)}" if cupy else "not installed")
    _say("nvidia driver", _driver())
    _say("gpu", ", ".join(gpus) or "none that can be used")
    if not cupy:
        _advise(f"everything runs on the CPU; to use an NVIDIA GPU, {INSTALL_CUPY}")
    elif not gpus:
        _advise("CuPy is there but finds no GPU: install NVIDIA's driver, and the CuPy package that matches its CUDA")


def _driver() -> str:
    """Driver and cards as NVIDIA's own tool reports them."""
    if not shutil.which("nvidia-smi"):
        return "none found (nvidia-smi is not installed)"
    query = ["nvidia-smi", "--query-gpu=driver_version,name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "nvidia-smi gives no answer"
    return "; ".join(done.stdout.split("\n")[:-1]) or "none that works"


def _data() -> None:
    from ..datasets import find_files, load_dataset
    from ..datasets.sources import SHAPES
    from ..storage.paths import cache_folder

    cache_folder()  # says what is wrong with TINYVIT_CACHE, also where nothing need be downloaded
    if find_files("mnist", tuple(SHAPES)) is None:
        _say("mnist", "not on this machine")
        _advise("tinyvit train will download it (11 MB); or TINYVIT_DATA names a folder that has it")
        return
    try:
        dataset = load_dataset("mnist")
    except UserError as error:
        _say("mnist", "damaged")
        _advise(str(error))
        return
    splits = f"{len(dataset.train):,} / {len(dataset.dev):,} / {len(dataset.test):,}"
    _say("mnist", f"complete and genuine ({splits} images to train, choose and test with)")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _say(what: str, found: str) -> None:
    say(f"{what:<16}{found}")


def _advise(advice: str) -> None:
    say(f"{'':<16}-> {advice}")
