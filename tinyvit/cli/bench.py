"""`tinyvit bench`: how fast a model is here, alone or against PyTorch; where the time goes; how it grows."""

import argparse
import dataclasses
import json
from typing import Any

from ..errors import UserError
from .bench_gpu import bench_on_gpu
from .bench_modes import STEP, mode_of
from .bench_records import keep, of_record
from .bench_runs import bench_runs
from .bench_scaling import bench_cluster, bench_scaling
from .bench_sizes import bench_sizes
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
    parser.add_argument(
        "--recipe", default="default", metavar="RECIPE", help="recipe of --runs and --sizes (default: default)"
    )
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
    parser.add_argument(
        "--sizes",
        action="store_true",
        help="instead: accuracy of a recipe against parameters, from 2 k to 200 k, with --runs seeds each",
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
        "--output",
        default="bench.png",
        metavar="PNG",
        help="file for the figure of --scaling or --sizes (default: bench.png)",
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

    options.device = resolve_device(options.device)
    for name in ("batch_size", "rounds", "runs", "workers"):
        if getattr(options, name) not in (None, "auto") and getattr(options, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(options, name)}")
    config = dataclasses.replace(preset(options.preset), **given(options, ViTConfig))
    if not config.num_classes:
        raise UserError("a benchmark trains, so the model needs classes, got num_classes 0: leave it out")
    modes = {
        STEP: _speed,
        "profile": _profile,
        "scaling": bench_scaling,
        "cluster": bench_cluster,
        "tasks": bench_tasks,
        "sizes": bench_sizes,
        "runs": bench_runs,
        "device": bench_on_gpu,
    }
    return modes[mode_of(options)](config, options)


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
