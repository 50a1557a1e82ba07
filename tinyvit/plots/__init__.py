"""Figures of a run and of a model's attention.

Each function returns a Matplotlib `Figure` and neither shows nor keeps it. Matplotlib is imported when something is
drawn, not before, and `pyplot` with its global state never.
"""

from ..looking import attention_rollout
from .attention import plot_attention, plot_overlay
from .confusion import plot_confusion
from .curves import plot_curves
from .digits import plot_page, plot_steps
from .figure import save_figure
from .mistakes import plot_mistakes, plot_worst, plot_worst_sets
from .positions import plot_position_similarity
from .precision_recall import PrecisionRecall, plot_precision_recall
from .reliability import plot_reliability
from .samples import plot_denoising, plot_samples

__all__ = [
    "PrecisionRecall",
    "attention_rollout",
    "plot_attention",
    "plot_confusion",
    "plot_curves",
    "plot_denoising",
    "plot_mistakes",
    "plot_overlay",
    "plot_page",
    "plot_position_similarity",
    "plot_precision_recall",
    "plot_reliability",
    "plot_samples",
    "plot_steps",
    "plot_worst",
    "plot_worst_sets",
    "save_figure",
]
