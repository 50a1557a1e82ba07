"""One side of a comparison in a process of its own, which sleeps while it is not its turn.

In one process, the threads of one library that wait for work by spinning would slow down the other. The process reads
what to set up, and then commands, from its standard input, one JSON line each, and answers each with one:

    {"run": "train step", "times": 4}   -> the seconds of each
    {"gradients": "a file"}             -> the loss of the first step; its gradients go to that safetensors file
    {"memory": true}                    -> the most memory it has held so far, in MiB
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ..config import ViTConfig
from ..config.tasks import config_of
from ..storage.tensors import arrays_to_bytes
from .setting import Side


def build_side(setting: dict[str, Any]) -> Side:
    """The side that `setting` names."""
    if "task" in setting:
        config = config_of(setting["task"])
        if setting["side"] == "tinyvit":
            from .task_sides import task_side

            return task_side(config, setting["workers"])
        from .torch_tasks import torch_task_side

        return torch_task_side(config)
    model, batch_size = ViTConfig.from_dict(setting["config"]), setting["batch_size"]
    if setting["side"] == "tinyvit":
        from .tinyvit_side import tinyvit_side

        return tinyvit_side(model, batch_size, setting["workers"])
    from .torch_side import torch_side

    return torch_side(model, batch_size, compiled=setting["side"] == "PyTorch, compiled")


def answer(side: Side, command: dict[str, Any]) -> Any:
    """Do what a command says."""
    if "run" in command:
        return [_seconds(side.runs[command["run"]]) for _ in range(command["times"])]
    if "gradients" in command:
        loss, grads = side.gradients()
        Path(command["gradients"]).write_bytes(arrays_to_bytes(grads))
        return loss
    return peak_memory(side.workers())


def peak_memory(others: list[int]) -> float:
    """The most memory this process has held, and the processes `others` beside it, in MiB; NaN where it is not told.

    What they share counts once for each, which is too much.
    """
    total = 0
    for process in ("self", *map(str, others)):
        try:
            with open(f"/proc/{process}/status", encoding="utf-8") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        except OSError:
            return float("nan")
    return total / 1024


def _seconds(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints does not get between the answers
    side = build_side(json.loads(sys.stdin.readline()))
    try:
        for line in sys.stdin:
            print(json.dumps(answer(side, json.loads(line))), file=answers, flush=True)
    finally:
        side.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # the command that started this process says so
        sys.exit(130)
    except Exception as error:
        print(f"tinyvit: {error or type(error).__name__}", file=sys.stderr)
        sys.exit(1)
