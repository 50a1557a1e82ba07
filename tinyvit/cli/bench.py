"""`tinyvit bench`: how fast a model is here, alone or against PyTorch; where the time goes; how it grows."""

import argparse
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from ..errors import UserError
from .bench_gpu import bench_on_gpu, refuse_others
from .bench_records import keep, of_record
from .bench_runs import bench_runs
from .bench_tasks import bench_tasks, machine
from .flags import SUB_PARSERS, add_model_flags, given, workers_flag


def add_parser(verbs: SUB_PARSERS) -> None:
    from ..config.presets import PRESETS

    parser: argparse.ArgumentParser = verbs.add_parser(
        "bench",
        help="measure speed and memory",
        description="A training step, inference, import, cold start and peak memory: medians of runs taken in turn.",
    )
    parser.add_argument("preset", nargs="?", default="tiny", help="preset of the model (default: tiny)")
    parser.add_argument("--batch-size", type=int, default=128, metavar="SIZE", help="batch size (default: 128)")
    parser.add_argument(
        "--workers", type=workers_flag, default="auto", metavar="WORKERS", help="worker processes (default: auto)"
    )
    parser.add_argument(
        "--rounds", type=int, default=30, metavar="N", help="measurements, at least this many (default: 30)"
    )
    parser.add_argument("--against", choices=("torch",), help="time PyTorch in turn, after checking that both agree")
    parser.add_argument("--compile", action="store_true", help="with --against torch: torch.compile too, which is slow")
    parser.add_argument(
        "--profile", action="store_true", help="instead: profile, the time of each op beside this machine's peak"
    )
    parser.add_argument(
        "--runs", type=int, metavar="N", help="instead: N whole training runs of a recipe, and their results"
    )
    parser.add_argument("--recipe", default="default", metavar="RECIPE", help="recipe of --runs (default: default)")
    parser.add_argument(
        "--baseline", metavar="RECIPE", help="another recipe, whose runs come in turn with those of --runs"
    )
    parser.add_argument(
        "--tasks",
        nargs="*",
        metavar="TASK",
        help="instead: whole runs of these tasks, or of all, with --runs seeds; --against torch: their training step",
    )
    parser.add_argument(
        "--record",
        metavar="NAME",
        help="instead: measure a record (default, speed, mae, ...), and add it to RECORDS.md",
    )
    parser.add_argument("--cluster", action="store_true", help="instead: estimated time of a step on up to 1,024 ranks")
    parser.add_argument("--scaling", action="store_true", help="instead: how time and memory grow with each size")
    parser.add_argument(
        "--device", default="cpu", help="with cuda, instead: correctness and training steps on a GPU (default: cpu)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=570,
        metavar="S",
        help="time budget of --device cuda, in seconds (default: 570)",
    )
    parser.add_argument(
        "--output", default="bench.png", metavar="PNG", help="file for the figure of --scaling (default: bench.png)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    add_model_flags(parser, PRESETS["tiny"], "the preset tiny")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    name = options.record
    if name is not None:
        options = of_record(options)
    result, table = _measured(options)
    print(json.dumps(result, indent=2) if options.json else table)
    if name is not None:
        keep(name, result)
    return 0


def _measured(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Result of the mode that is asked for, as data and as text."""
    from ..backend import resolve_device
    from ..config import ViTConfig
    from ..config.presets import preset

    for name in ("batch_size", "rounds", "runs", "workers"):
        if getattr(options, name) not in (None, "auto") and getattr(options, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(options, name)}")
    config = dataclasses.replace(preset(options.preset), **given(options, ViTConfig))
    if not config.num_classes:
        raise UserError("a benchmark trains, so the model needs classes, got num_classes 0: leave it out")
    modes = {"profile": _profile, "scaling": _scaling, "cluster": _cluster, "tasks": bench_tasks, "runs": bench_runs}
    chosen = [name for name in modes if getattr(options, name) not in (None, False)]
    if chosen == ["tasks", "runs"]:
        chosen = ["tasks"]  # so many seeds of each
    if chosen != ["runs"] and (options.baseline or options.recipe != "default"):
        raise UserError("--recipe and --baseline are for whole runs of classification: say how many with --runs alone")
    if len(chosen) > 1:
        raise UserError(f"only one of --{', --'.join(modes)} can be given, got --{' --'.join(chosen)}: choose one")
    if resolve_device(options.device) != "cpu":
        refuse_others(options, chosen)
        return bench_on_gpu(config, options)
    return (modes[chosen[0]] if chosen else _speed)(config, options)


def _speed(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from ..bench import speed

    times, memory = speed(
        config,
        batch_size=options.batch_size,
        rounds=options.rounds,
        workers=options.workers,
        against=options.against,
        compiled=options.compile,
    )
    size = f"{config.num_tokens} tokens of {config.embed_dim}, {config.depth} blocks"
    lines = [f"{options.preset}: {size}; {machine()}", ""]
    lines.append(f"{'':<24}{'':<20}{'median ms':>11}{'p10':>10}{'p90':>10}{'ratio':>8}")
    for what, sides in times.items():
        for side, series in sides.items():
            p10, median, p90 = (1000 * seconds for seconds in series)
            ratio = "" if side == "tinyvit" else f"{sides['tinyvit'].median / series.median:>8.2f}"
            first = what if side == "tinyvit" else ""
            lines.append(f"{first:<24}{side:<20}{median:>11.2f}{p10:>10.2f}{p90:>10.2f}{ratio}")
    for side, mebibytes in memory.items():
        ratio = "" if side == "tinyvit" else f"{memory['tinyvit'] / mebibytes:>28.2f}"
        lines.append(f"{'peak memory, MiB' if side == 'tinyvit' else '':<24}{side:<20}{mebibytes:>11.0f}{ratio}")
    if options.against:
        lines += ["", "ratio: tinyvit's median over the other's; below 1 tinyvit is faster. Loss and gradients agreed."]
    result = {
        "model": config.to_dict(),
        "batch_size": options.batch_size,
        "machine": machine(),
        "seconds": {what: {side: series._asdict() for side, series in sides.items()} for what, sides in times.items()},
        "peak_mebibytes": memory,
    }
    return result, "\n".join(lines)


def _profile(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from ..bench import peaks, profile

    best, rows = peaks(), profile(config, batch_size=options.batch_size, rounds=options.rounds)
    total = sum(row.seconds for row in rows)
    lines = [
        f"One process, batch {options.batch_size}. This machine's best, one thread: {best.flops / 1e9:.0f} GFLOP/s in "
        f"matrix products, {best.bytes / 1e9:.0f} GB/s in copies.",
        "",
        f"{'op':<30}{'calls':>6}{'ms a step':>11}{'share':>8}{'GFLOP/s':>9}{'of best':>9}{'GB/s':>7}{'of best':>9}",
    ]
    for row in rows:
        flops, moved = row.flops / row.seconds, row.bytes / row.seconds
        rate = f"{flops / 1e9:>9.0f}{flops / best.flops:>9.0%}" if row.flops else f"{'':>18}"
        lines.append(
            f"{row.name:<30}{row.calls:>6}{1000 * row.seconds:>11.2f}{row.seconds / total:>8.0%}{rate}"
            f"{moved / 1e9:>7.1f}{moved / best.bytes:>9.0%}"
        )
    products = sum(row.flops for row in rows)
    lines += [
        f"{'sum':<30}{'':>6}{1000 * total:>11.2f}",
        f"{'the products at the best rate':<36}{1000 * products / best.flops:>11.2f}",
    ]
    return {"peaks": best._asdict(), "ops": [row._asdict() for row in rows]}, "\n".join(lines)


def _scaling(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
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


def _cluster(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
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
