"""`tinyvit bench --scaling` and `--cluster`: how a training step grows with its sizes, and with ranks, printed."""

import argparse
import os
from pathlib import Path
from typing import Any


def bench_scaling(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Time and memory of a step over batch, tokens, width, depth and workers, with the fitted exponents."""
    from ..bench import fit_exponent, scaling
    from ..bench.scaling import plot_scaling

    points = scaling(config, batch_size=options.batch_size, rounds=options.rounds, max_workers=os.cpu_count() or 1)
    exponents = {}
    lines = [f"{'':<10}{'value':>8}{'ms a step':>12}{'MiB':>9}"]
    for kind in dict.fromkeys(point.what for point in points):
        chosen = [point for point in points if point.what == kind]
        lines += [f"{kind:<10}{p.value:>8}{1000 * p.seconds:>12.2f}{p.mebibytes:>9.1f}" for p in chosen]
        if len(chosen) > 1:
            values = [point.value for point in chosen]
            time = fit_exponent(values, [point.seconds for point in chosen])
            memory = fit_exponent(values, [point.mebibytes for point in chosen])
            exponents[kind] = {"seconds": time, "mebibytes": memory}
            lines.append(f"{'':<10}{'':>8}{f'~ {kind}^{time:.2f}':>12}{f'^{memory:.2f}':>9}")
    plot_scaling(points, Path(options.output))
    lines += ["", f"drawn in {options.output}"]
    return {"points": [point._asdict() for point in points], "exponents": exponents}, "\n".join(lines)


def bench_cluster(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Time of a step on many ranks, modelled from one that is measured here."""
    from ..bench import cluster, in_turn
    from ..bench.tinyvit_side import training_team

    with training_team(config, options.batch_size, options.workers) as (_, step):
        measured = in_turn({"step": step}, options.rounds)["step"].median
    points = cluster(config, compute_seconds=measured)
    lines = [
        f"One rank like this machine takes {1000 * measured:.1f} ms for its {options.batch_size} images (measured).",
        "R ranks: step = that + 2 (R - 1) / R * 4 bytes * parameters / bandwidth + 2 log2(R) * 20 µs (modelled).",
        "",
        f"{'ranks':>6}{'images a step':>15}{'Gbit/s':>8}{'MB sent by each':>17}{'ms a step':>11}{'efficiency':>12}",
    ]
    for point in points:
        images = f"{point.ranks * options.batch_size:,}"
        lines.append(
            f"{point.ranks:>6,}{images:>15}{point.gigabits:>8}{point.wire_bytes / 1e6:>17.2f}"
            f"{1000 * point.seconds:>11.2f}{point.efficiency:>12.0%}"
        )
    return {"compute_seconds": measured, "points": [point._asdict() for point in points]}, "\n".join(lines)
