"""The curves of a training run as a picture: one panel a figure, from curves.csv."""

from __future__ import annotations

import csv
from pathlib import Path

PANEL_WIDTH_IN, PANEL_HEIGHT_IN, DPI = 4.2, 2.8, 90


def draw_curves(curves: Path, picture: Path, title: str) -> None:
    """Write a PNG of every column against the step. Raises: OSError, ValueError when the CSV is not a run's."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with curves.open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    columns = [[float(cell) for cell in column] for column in zip(*rows, strict=True)]
    steps, names = columns[0], head[1:]
    figure, axes = pyplot.subplots(
        1, len(names), figsize=(PANEL_WIDTH_IN * len(names), PANEL_HEIGHT_IN), squeeze=False, layout="constrained"
    )
    for axis, name, values in zip(axes[0], names, columns[1:], strict=True):
        axis.plot(steps, values, linewidth=0.9)
        axis.set_title(name)
        axis.set_xlabel("step")
        axis.grid(visible=True, alpha=0.3)
    figure.suptitle(title)
    figure.savefig(picture, dpi=DPI, metadata={"Software": None})
    pyplot.close(figure)
