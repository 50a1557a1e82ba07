"""Reconstructions by a masked autoencoder, beside what it saw and the truth."""

from typing import TYPE_CHECKING

import numpy as np

from .figure import INK, headline, new_figure, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN = 0.55  # the grey of a hidden patch


def plot_reconstruction(images: np.ndarray, painted: np.ndarray, hidden: np.ndarray) -> "Figure":
    """Three rows: the visible patches, the image as it was painted, and the true image.

    Args:
        images: uint8 (n, C, H, W), the truth.
        painted: (n, C, H, W), 0..1.
        hidden: bool (n, H, W), the pixels that the model did not see.
    """
    truth = images / 255.0
    rows = {
        "seen": np.where(hidden[:, None], HIDDEN, truth),
        "painted": painted,
        "true": truth,
    }
    n = len(images)
    figure = new_figure(0.4 + 0.8 * n, 3.2)
    share = 100 * hidden.mean()
    headline(
        figure, "Masked autoencoder", f"{share:.0f} % of the patches are hidden; painted ones have the true contrast"
    )
    for row, (name, row_of) in enumerate(rows.items()):
        for column in range(n):
            axes = figure.add_subplot(len(rows), n, row * n + column + 1)
            show_image(axes, row_of[column])
            if column == 0:
                axes.text(-0.12, 0.5, name, transform=axes.transAxes, rotation=90, va="center", ha="right", color=INK)
    return figure
