"""`tinyvit gradcheck`: prove every backward by finite differences, and by dual numbers, and print the proof."""

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .flags import SUB_PARSERS

if TYPE_CHECKING:
    from ..gradcheck import GradientReport


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
    parser.add_argument(
        "--exact",
        action="store_true",
        help="check by forward-mode differentiation, too: each forward runs on dual numbers, without a step size, and "
        "relative errors down to 1e-13 are found",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import resolve_device
    from ..gradcheck import EXACT_THRESHOLD, THRESHOLD
    from ..gradcheck.cases import all_cases

    if options.seed < 0:
        raise UserError(f"--seed must be at least 0, got {options.seed}")
    device = resolve_device(options.device)
    if options.exact and device != "cpu":
        raise UserError(f"--exact needs --device cpu, got {options.device}: a GPU has no arrays of dual numbers")
    cases = [case for case in all_cases() if options.op in (None, case.name)]
    if not cases:
        known = dict.fromkeys(case.name for case in all_cases())
        raise UserError(f"there is no op, layer or model called {options.op!r}: choose from {'; '.join(known)}")
    rows, errors, failures = [], [], []
    if not options.json:
        print(f"{'kind':<7}{'name':<25}{'inputs':<37}{'worst error':>11}" + f"{'exact':>11}" * options.exact)
    for case in cases:
        report, inputs = case.check(seed=options.seed, device=device)
        reports = [report, case.check_exact(seed=options.seed)] if options.exact else [report]
        shapes = " ".join("x".join(map(str, x.shape)) if x is not None else "-" for x in inputs.values())
        rows.append(_row(case, shapes, reports))
        errors.append([report.error for report in reports])
        if not options.json:
            both = "".join(f"{report.error:>11.1e}" for report in reports)
            verdict = "pass" if rows[-1]["passed"] else "FAIL"
            print(f"{case.kind:<7}{case.name:<25}{shapes:<37}{both}  {verdict}", flush=True)
        failures += [f"{case.kind} {case.name}: {report}" for report in reports if not report.passed]
    worst = dict(zip([THRESHOLD, EXACT_THRESHOLD], map(max, zip(*errors, strict=True)), strict=False))
    if options.json:
        result = {"threshold": THRESHOLD, "passed": not failures, "worst": _number(worst[THRESHOLD])}
        if options.exact:
            result |= {"exact_threshold": EXACT_THRESHOLD, "exact_worst": _number(worst[EXACT_THRESHOLD])}
        print(json.dumps(result | {"checks": rows}, indent=2))
    else:
        print("\n".join(["", *failures]) if failures else "")
        sums = "; exact ".join(f"{error:.1e}, threshold {threshold:.0e}" for threshold, error in worst.items())
        print(f"{sum(row['passed'] for row in rows)} of {len(rows)} checks passed; worst relative error {sums}")
    return 1 if failures else 0


def _row(case: Any, shapes: str, reports: "list[GradientReport]") -> dict[str, Any]:
    worst = reports[0].worst
    row = {
        "kind": case.kind,
        "name": case.name,
        "inputs": shapes,
        "passed": all(report.passed for report in reports),
        "error": _number(reports[0].error),
        "worst_input": worst.name,
        "worst_entry": worst.entry,
        "analytic": _number(worst.analytic),
        "numeric": _number(worst.numeric),
    }
    return row | ({"exact_error": _number(reports[1].error)} if reports[1:] else {})


def _number(x: float) -> float | str:
    """JSON has no word for infinity, nor for what is not a number."""
    return x if math.isfinite(x) else str(x)
