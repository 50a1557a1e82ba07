"""`tinyvit bench --device cuda`: correctness and speed on a GPU, printed."""

import argparse
import json
import sys
from typing import Any


def bench_on_gpu(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Models of fixed sizes, whatever `config` is; the resolved device is in the options."""
    from ..bench import bench_gpu

    def note(row: dict[str, Any]) -> None:
        print(json.dumps(row), file=sys.stderr, flush=True)

    rows = bench_gpu(options.device, against=options.against, seconds=options.seconds, note=note)
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
    return {"device": options.device, "rows": rows}, "\n".join(lines[1:])
