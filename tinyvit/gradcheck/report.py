"""Report of a gradient check, input by input, as values and in words."""

from typing import NamedTuple


class InputReport(NamedTuple):
    """Comparison of the gradient of one input; the entry shown is the worst one."""

    name: str
    shape: tuple[int, ...]
    error: float  # relative; infinite when the gradient is missing or has the wrong shape
    entry: tuple[int, ...] | None  # of the worst entry; None for a random direction
    analytic: float
    numeric: float
    problem: str = ""  # what is wrong besides the numbers
    witness: str = "the difference quotient"  # who says `numeric`

    def __str__(self) -> str:
        if self.problem:
            return f"d{self.name}: {self.problem}"
        place = "along a random direction" if self.entry is None else f"at {self.entry}"
        digits = ".9g" if self.error > 1e-7 else ".16g"
        return (
            f"d{self.name} {self.shape}: relative error {self.error:.1e}, worst {place}: "
            f"backward says {self.analytic:{digits}}, {self.witness} {self.numeric:{digits}}"
        )


class GradientReport(NamedTuple):
    """The result of one check; `print(report)` is meant to be read."""

    inputs: tuple[InputReport, ...]
    threshold: float

    @property
    def worst(self) -> InputReport:
        return max(self.inputs, key=lambda report: report.error)

    @property
    def error(self) -> float:
        """The largest relative error of all inputs."""
        return self.worst.error

    @property
    def passed(self) -> bool:
        return self.error <= self.threshold

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return "\n".join([f"{verdict} (threshold {self.threshold:.0e})", *(f"  {report}" for report in self.inputs)])
