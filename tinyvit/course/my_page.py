"""The page at the end of the course, `my-vit.html`: a learner's own model, in one file that needs nothing else."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..gradcheck import GradientReport
from ..storage.files import write_file
from .collect import Piece
from .exercise import EXERCISES, Exercise
from .progress import passed

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --paper: #fff; --line: #d8dee4; --own: #0b6bcb;
  --hot: 214 84 0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a0a8b1; --paper: #15181c; --line: #343a41;
  --own: #6cb2ff; --hot: 255 150 60; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 2rem; margin: 0; line-height: 1.2; }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1.25rem; }
p { color: var(--soft); margin: 0.25rem 0 1rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1rem; margin: 1.5rem 0; }
.facts div { border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.75rem 1rem; display: flex;
  flex-direction: column-reverse; justify-content: flex-end; }
.facts dt { color: var(--soft); font-size: 0.875rem; line-height: 1.3; }
.facts dd { margin: 0; font-size: 1.5rem; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.own { color: var(--own); font-weight: 600; }
.not { color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 13px; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: 0.875rem; }
"""


class MyPage(NamedTuple):
    """Facts of a model that the page tells."""

    pieces: Sequence[Piece]  # of lessons 1 to 12
    glue: Mapping[str, bool]  # the exercises of lesson 18, and whether the model uses the learner's own
    accuracy: float  # on the dev split
    num_images: int  # of the dev split
    num_parameters: int
    losses: Sequence[float]  # of every step
    seconds: float
    report: GradientReport
    digit: np.ndarray  # uint8 (1, H, W)
    attention: np.ndarray  # (h, N, N) of the last block
    answer: str


def write_page(path: str | Path, mine: MyPage) -> None:
    """Write the page: one file of HTML and SVG, without a script, and with no address in it.

    Raises:
        UserError: it cannot be written.
    """
    own = [(piece.exercise, bool(piece.own)) for piece in mine.pieces]
    own += [(EXERCISES[number], is_own) for number, is_own in mine.glue.items()]
    facts = {
        "of the digits it has never seen": f"{mine.accuracy:.2%}",
        "functions of my own": f"{sum(is_own for _, is_own in own)} of {len(own)}",
        "exercises passed": f"{len(set(passed()) & EXERCISES.keys())} of {len(EXERCISES)}",
        "learned numbers": f"{mine.num_parameters:,}",
        "steps of training": f"{len(mine.losses):,}",
        "seconds of training": f"{mine.seconds:.0f}",
    }
    boxes = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    body = f"""<h1>My Vision Transformer</h1>
<p>Its forward, its gradients, its optimizer and its training loop, in plain NumPy. {_credit(own)}</p>
<dl class="facts">{boxes}</dl>
<h2>What it looks at</h2>
<p>A digit that I drew; it says “{escape(mine.answer)}”. The brighter a patch, the more the class token takes from it,
in each head of the last block.</p>
<div class="maps">{_maps(mine.digit, mine.attention)}</div>
<h2>How it learned</h2>
<p>The training loss, a mean of {_window(mine.losses)} steps. The dashed line, ln 10, is the loss of chance.</p>
{_curve(mine.losses)}
<h2>Its functions</h2>
<div class="scroll"><table><tr><th>exercise</th><th>function</th><th>whose</th></tr>{_rows(own)}</table></div>
<h2>Its gradients</h2>
<p>Each against finite differences, in float64. The largest relative error is {mine.report.error:.0e}.</p>
<div class="scroll"><table><tr><th>gradient</th><th>shape</th><th>relative error</th></tr>
{_errors(mine.report)}</table></div>
"""
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>My Vision Transformer</title>\n'
    head += f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
    write_file(path, f"{head}<body><main>{body}</main></body></html>\n".encode())


def _credit(own: Sequence[tuple[Exercise, bool]]) -> str:
    others = sum(not is_own for _, is_own in own)
    return f"I wrote all functions but {others}, which are tinyvit’s." if others else "I wrote every function."


def _rows(own: Sequence[tuple[Exercise, bool]]) -> str:
    marks = {True: '<span class="own">mine</span>', False: '<span class="not">the library’s</span>'}
    return "".join(
        f'<tr><td class="number">{one.number}</td><td><code>{one.name}</code></td><td>{marks[is_own]}</td></tr>'
        for one, is_own in own
    )


def _errors(report: GradientReport) -> str:
    return "".join(
        f'<tr><td><code>{escape(one.name)}</code></td><td class="number">{" × ".join(map(str, one.shape))}</td>'
        f'<td class="number">{one.error:.0e}</td></tr>'
        for one in report.inputs
    )


def _window(losses: Sequence[float]) -> int:
    return max(1, len(losses) // 60)


def _curve(losses: Sequence[float]) -> str:
    """The losses as a line on a logarithmic axis, from 0.05 or below to what they began with."""
    window = _window(losses)
    means = [max(1e-6, float(np.mean(losses[i : i + window]))) for i in range(0, len(losses) - window + 1, window)]
    chance = math.log(10)
    high, low = math.log10(1.3 * max(*means, chance)), math.log10(min(*means, 0.1) / 1.3)

    def y(loss: float) -> float:
        return 10 + 220 * (high - math.log10(loss)) / (high - low)

    points = " ".join(f"{50 + 730 * i / max(1, len(means) - 1):.1f},{y(loss):.1f}" for i, loss in enumerate(means))
    ticks = [loss for loss in (0.01, 0.03, 0.1, 0.3, 1, 3, 10) if low <= math.log10(loss) <= high]
    lines = "".join(
        f'<line x1="50" x2="780" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="var(--line)"/>'
        f'<text x="44" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in ticks
    )
    label = f"Training loss from {means[0]:.2f} to {means[-1]:.2f}"
    return f"""<svg viewBox="0 0 800 260" role="img" aria-label="{label}">{lines}
<line x1="50" x2="780" y1="{y(chance):.1f}" y2="{y(chance):.1f}" stroke="var(--soft)" stroke-dasharray="5 4"/>
<polyline points="{points}" fill="none" stroke="var(--own)" stroke-width="2.5" stroke-linejoin="round"/>
<text x="50" y="252">step 1</text><text x="780" y="252" text-anchor="end">step {len(losses):,}</text></svg>"""


def _maps(digit: np.ndarray, attention: np.ndarray) -> str:
    """The digit, and for each head the digit under what the class token takes from each patch."""
    _, height, width = digit.shape
    side = round(math.sqrt(attention.shape[-1] - 1))
    patch = height // side
    ink = "".join(
        f'<rect x="{x}" y="{y}" width="1.02" height="1.02" fill="#fff" fill-opacity="{digit[0, y, x] / 255:.2f}"/>'
        for y, x in np.argwhere(digit[0] > 8)
    )

    def picture(name: str, shares: np.ndarray | None) -> str:
        cells = (
            ""
            if shares is None
            else "".join(
                f'<rect x="{place % side * patch}" y="{place // side * patch}" width="{patch}" height="{patch}" '
                f'fill="rgb(var(--hot) / {0.75 * share:.2f})"/>'
                for place, share in enumerate(shares / max(float(shares.max()), 1e-12))
            )
        )
        label = escape(f"The digit: {name}")
        return (
            f'<figure><svg viewBox="0 0 {width} {height}" shape-rendering="crispEdges" role="img" aria-label="{label}">'
            f'<rect width="{width}" height="{height}" fill="#000"/>{ink}{cells}</svg>'
            f"<figcaption>{escape(name)}</figcaption></figure>"
        )

    heads = [picture(f"head {index + 1}", weights[0, 1:]) for index, weights in enumerate(attention)]
    return "".join([picture("as the model sees it", None), *heads])
