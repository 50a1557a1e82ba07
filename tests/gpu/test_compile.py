"""NVIDIA's own compilers on the kernels, where they are: no GPU is needed for that."""

import ctypes
import dataclasses
import re
import shutil
import site
import subprocess
from pathlib import Path

import pytest

from tinyvit.config import ViTConfig
from tinyvit.config.presets import preset
from tinyvit.gpu.sources import SHARED_BYTES, constants, pairs_per_block, source

TINY = preset("tiny")
CONFIGS = {
    "tiny": TINY,
    "50 tokens, heads of 32": dataclasses.replace(TINY, patch_size=4, num_heads=2),
    "192 wide": dataclasses.replace(TINY, patch_size=4, embed_dim=192, num_heads=8, num_registers=4),
    "ViT-B/16": preset("vit_base_patch16_224"),
    "ViT-L/16, tanh": dataclasses.replace(preset("vit_large_patch16_224"), gelu="tanh"),
    "odd": ViTConfig(img_size=(8, 12), patch_size=4, embed_dim=21, num_heads=3, pool="mean"),
}
ARCHITECTURES = ("75", "80", "90", "100")
# Every config for the newest, and the one with most registers for all.
BUILDS = [(name, "90") for name in CONFIGS] + [
    ("50 tokens, heads of 32", arch) for arch in ARCHITECTURES if arch != "90"
]
NVCC = shutil.which("nvcc")
CUPYS = ["-ftz=true"]  # CuPy always adds it


def defines(config):
    return [f"-D{name}={value}" for name, value in constants(config).items()]


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(NVCC is None, reason="nvcc is not on this machine")
@pytest.mark.parametrize(("name", "arch"), BUILDS, ids=[f"{name}-sm_{arch}" for name, arch in BUILDS])
def test_nvcc_finds_no_spilled_register_and_no_block_too_large(name, arch, tmp_path):
    (path := tmp_path / "kernels.cu").write_text(source(CONFIGS[name]))
    command = [
        NVCC,
        f"-arch=sm_{arch}",
        "-cubin",
        "-Xptxas",
        "-v",
        *CUPYS,
        *defines(CONFIGS[name]),
        path,
        "-o",
        tmp_path / "out",
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    spilled = [int(number) for number in re.findall(r"(\d+) bytes spill", run.stderr)]
    assert spilled
    assert not any(spilled)
    frames = [int(number) for number in re.findall(r"(\d+) bytes stack frame", run.stderr)]
    assert not any(frames)  # arrays that did not become registers lie there
    assert max(int(number) for number in re.findall(r"(\d+) bytes smem", run.stderr)) <= SHARED_BYTES
    assert ("attention_forward" in run.stderr) == (pairs_per_block(CONFIGS[name]) > 0)


def nvrtc():
    """The compiler that CuPy uses, or None."""
    places = [*Path("/usr/local").glob("cuda*/**/libnvrtc.so.*")]
    places += Path(site.getsitepackages()[0]).glob("nvidia/**/libnvrtc.so.*")  # pip install nvidia-cuda-nvrtc
    for place in ["libnvrtc.so", *places]:
        try:
            return ctypes.CDLL(str(place))
        except OSError:
            continue
    return None


@pytest.mark.parametrize("name", CONFIGS)
def test_nvrtc_takes_the_source(name):
    library = nvrtc()
    if library is None:
        pytest.skip("NVRTC is not on this machine")
    program = ctypes.c_void_p()
    text = source(CONFIGS[name]).encode()
    assert library.nvrtcCreateProgram(ctypes.byref(program), text, b"kernels.cu", 0, None, None) == 0
    options = [
        b"--gpu-architecture=sm_90",
        b"--std=c++14",
        *map(str.encode, CUPYS),
        b"--device-as-default-execution-space",
    ]
    options += [define.encode() for define in defines(CONFIGS[name])]
    status = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    assert status == 0, log.value.decode()
