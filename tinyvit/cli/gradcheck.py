"""`tinyvit gradcheck`: prove every backward by finite differences, and print the proof."""

import argparse
import json
import math
from typing import Any

from ..errors import UserError
from .flags import SUB_PARSERS


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "gradcheck",
        help="check every gradient by finite differences",
        description="Compare every hand-written backward with finite differences, in float64, under a random upstream "
        "gradient. Exit status 1 if one is wrong.",
    )
    parser.add_argument("--op", metavar="NAME", help="check only the op, layer or model of this name")
    parser.add_argument("--seed", type=int, default=0, help="random seed of inputs and upstream gradients (default: 0)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:<index> (default: cpu)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import resolve_device
    from ..gradcheck import THRESHOLD
    from ..gradcheck.cases import all_cases

    if options.seed < 0:
        raise UserError(f"--seed must be at least 0, got {options.seed}")
    device = resolve_device(options.device)
    cases = [case for case in all_cases() if options.op in (None, case.name)]
    if not cases:
        known = dict.fromkeys(case.name for case in all_cases())
        raise UserError(f"there is no op, layer or model called {options.op!r}: choose from {'; '.join(known)}")
    rows, errors, failures = [], [], []
    if not options.json:
        print(f"{'kind':<7}{'name':<25}{'inputs':<37}{'worst error':>11}")
    for case in cases:
        report, inputs = case.check(seed=options.seed, device=device)
        shapes = " ".join("x".join(map(str, x.shape)) if x is not None else "-" for x in inputs.values())
        rows.append(_row(case, shapes, report))
        errors.append(report.error)
        if not options.json:
            verdict = "pass" if report.passed else "FAIL"
            print(f"{case.kind:<7}{case.name:<25}{shapes:<37}{report.error:>11.1e}  {verdict}", flush=True)
        if not report.passed:
            failures.append(f"{case.kind} {case.name}: {report}")
    worst = max(errors)
    if options.json:
        print(
            json.dumps(
                {"threshold": THRESHOLD, "passed": not failures, "worst": _number(worst), "checks": rows}, indent=2
            )
        )
    else:
        print("\n".join(["", *failures]) if failures else "")
        print(f"{len(rows) - len(failures)} of {len(rows)} checks passed; worst relative error {worst:.1e}, ", end="")
        print(f"threshold {THRESHOLD:.0e}")
    return 1 if failures else 0


def _row(case: Any, shapes: str, report: Any) -> dict[str, Any]:
    worst = report.worst
    return {
        "kind": case.kind,
        "name": case.name,
        "inputs": shapes,
        "passed": report.passed,
        "error": _number(report.error),
        "worst_input": worst.name,
        "worst_entry": worst.entry,
        "analytic": _number(worst.analytic),
        "numeric": _number(worst.numeric),
    }


def _number(x: float) -> float | str:
    """JSON has no word for infinity, nor for what is not a number."""
    return x if math.isfinite(x) else str(x)
