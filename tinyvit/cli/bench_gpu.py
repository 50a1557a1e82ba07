"""`tinyvit bench --device cuda`: correctness and speed on a GPU, printed."""

import argparse
import json
import sys
from typing import Any

from ..errors import UserError
from .flags import given


def refuse_others(options: argparse.Namespace, modes: list[str]) -> None:
    """Refuse flags that `--device cuda` does not use: what it measures is fixed, so that results can be compared.

    Raises:
        UserError: there are some.
    """
    from ..config import ViTConfig

    fields = ("batch_size", "workers", "rounds", "compile")
    others = [name for name in fields if getattr(options, name) != options.parser.get_default(name)]
    flags = [f"--{name.replace('_', '-')}" for name in [*others, *modes, *given(options, ViTConfig)]]
    if options.preset != options.parser.get_default("preset"):
        flags.append(options.preset)
    if flags:
        raise UserError(
            f"with --device {options.device}, sizes of its own are measured, got {', '.join(flags)}: leave that out"
        )


def bench_on_gpu(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from ..backend import resolve_device
    from ..bench import bench_gpu

    def note(row: dict[str, Any]) -> None:
        print(json.dumps(row), file=sys.stderr, flush=True)

    device = resolve_device(options.device)
    rows = bench_gpu(device, against=options.against, seconds=options.seconds, note=note)
    lines, part = [], None
    for row in rows:
        if row["part"] != part:
            part = row["part"]
            lines += ["", part]
        values = [f"{name} {value}" for name, value in row.items() if name not in ("part", "side")]
        lines.append(f"  {row.get('side', ''):<28}{', '.join(values)}")
    lines += [
        "",
        "ms: median on the device, host ms: what the host needs to send it. bf16 rounds what products take here;",
    ]
    lines.append("PyTorch's autocast also stores activations in bf16.")
    return {"device": device, "rows": rows}, "\n".join(lines[1:])
