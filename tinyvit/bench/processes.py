"""What can only be measured in fresh processes: import, cold start, and the most memory that training takes."""

import json
import subprocess
import sys
import time

from ..config import ViTConfig
from ..errors import UserError
from .timing import Series

IMPORT = "import {package}"

# A first training step, from nothing. The arguments: the config, the batch size, the workers, how many steps.
TINYVIT_STEP = """
import json
import sys
from tinyvit.bench.processes import peak_memory
from tinyvit.bench.speed import training_team
from tinyvit.config import ViTConfig
workers = sys.argv[3] if sys.argv[3] == "auto" else int(sys.argv[3])
with training_team(ViTConfig.from_dict(json.loads(sys.argv[1])), int(sys.argv[2]), workers) as (team, step):
    for _ in range(int(sys.argv[4])):
        step()
    print(peak_memory([worker.process.pid for worker in team._workers]))
"""

TORCH_STEP = """
import json
import sys
import numpy as np
import torch
from tinyvit.bench.opponent import TorchSide
from tinyvit.bench.processes import peak_memory
from tinyvit.config import ViTConfig
from tinyvit.vit import VisionTransformer
config, size = ViTConfig.from_dict(json.loads(sys.argv[1])), int(sys.argv[2])
side = TorchSide(VisionTransformer(config, rng=np.random.default_rng(0)), compiled=False)
images = np.random.default_rng(0).standard_normal((size, config.in_chans, *config.image_shape), np.float32)
step = side.training_step(images, np.arange(size) % config.num_classes, lr=1e-3, weight_decay=0.05)
for _ in range(int(sys.argv[4])):
    step()
print(peak_memory([]))
"""


def fresh_processes(
    config: ViTConfig, *, batch_size: int, workers: int | str, rounds: int, against: str | None
) -> tuple[dict[str, dict[str, Series]], dict[str, float]]:
    """Seconds for an import and for a first training step, in turn, and the peak memory of 20 steps in MiB, by side.

    The memory of a team is that of all its processes; what they share counts once for each, which is too much.
    """
    sides = {"tinyvit": ("tinyvit", TINYVIT_STEP)}
    if against:
        sides["PyTorch"] = ("torch", TORCH_STEP)
    python = [sys.executable, "-c"]
    setting = [json.dumps(config.to_dict()), str(batch_size), str(workers)]
    seconds: dict[str, dict[str, list[float]]] = {
        what: {side: [] for side in sides} for what in ("import", "first training step")
    }
    for _ in range(rounds):
        for side, (package, script) in sides.items():
            seconds["import"][side].append(timed([*python, IMPORT.format(package=package)])[0])
            seconds["first training step"][side].append(timed([*python, script, *setting, "1"])[0])
    memory = {side: float(timed([*python, script, *setting, "20"])[1]) for side, (_, script) in sides.items()}
    return {what: {side: Series.of(s) for side, s in by.items()} for what, by in seconds.items()}, memory


def peak_memory(others: list[int]) -> float:
    """The most memory this process has held, and the processes `others` beside it, in MiB; NaN where it is not told."""
    total = 0
    for process in ("self", *map(str, others)):
        try:
            with open(f"/proc/{process}/status") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        except OSError:
            return float("nan")
    return total / 1024


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds that a command takes as a process of its own, and what it prints.

    Raises:
        UserError: it fails.
    """
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise UserError(f"a benchmark process failed: {done.stderr.strip().splitlines()[-1]}; mend that and try again")
    return seconds, done.stdout.strip()
