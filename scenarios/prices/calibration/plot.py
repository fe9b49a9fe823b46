"""A fit as a picture: what the data and the model's paths look like side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scenarios.errors import InputError
from scenarios.prices.calibration.compare import simulate, squares_autocorrelation
from scenarios.prices.calibration.estimates import Fit
from scenarios.prices.calibration.likelihood import returns_to_fit
from scenarios.prices.model_source import ModelSource
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

LONGEST_LAG = 30
BAND = "0.82"
"""Grey of the range of the model's paths; data are black, the model's middle dashed, so that the
picture reads without colour."""


def plot_fit(
    fit: Fit[ModelSource], panel: PricePanel, path: Path, paths: int = 400, seed: int = 1
) -> None:
    """Draw daily returns, tails, and autocorrelation of squares of data and model.

    Tails and autocorrelations are of all tokens: returns divided by each token's standard
    deviation and pooled, autocorrelations averaged. Bands hold 90 % of the model's paths.

    Args:
        fit: the fitted model.
        panel: the data it was fitted to.
        path: where to write; the ending chooses the format (.png, .svg, .pdf).
        paths: number of paths of the model, each as long as the data.
        seed: of those paths.

    Raises:
        InputError: another ending, a folder that cannot be written to, or no matplotlib.
    """
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot: {path}: the name must end in .png, .svg or .pdf")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("--plot: needs the package matplotlib (pip install matplotlib)") from error

    figure = Figure(figsize=(10, 7), layout="constrained")
    FigureCanvasAgg(figure)
    returns = returns_to_fit(panel)
    drawn = simulate(fit, len(returns), paths, seed)
    axes = figure.subplot_mosaic([["data", "tails"], ["model", "clusters"]])
    _returns(axes["data"], axes["model"], panel, returns, drawn[0])
    _tails(axes["tails"], returns, drawn)
    _clusters(axes["clusters"], returns, drawn)
    name = getattr(fit.source, "source", type(fit.source).__name__)
    figure.suptitle(
        f"Model {name} fitted to {len(returns)} daily returns of {', '.join(panel.tokens)}"
    )
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"--plot: {path}: cannot be written ({error.strerror})") from error


def _returns(above: Any, below: Any, panel: PricePanel, returns: Array, path: Array) -> None:
    token = panel.tokens[0]
    reach = 1.05 * 100 * float(np.abs(np.stack([returns[:, 0], path[:, 0]])).max())
    for axis, series, what in ((above, returns, "data"), (below, path, "one path of the model")):
        axis.vlines(
            np.arange(1, len(series) + 1), 0, 100 * series[:, 0], color="black", linewidth=0.7
        )
        axis.set_ylim(-reach, reach)
        axis.set_title(f"{token}: {what}", loc="left", fontsize=10)
        axis.set_ylabel("daily log-return, %")
        axis.axhline(0, color="black", linewidth=0.5)
    above.set_xlabel(f"trading day, {panel.dates[0]:%Y-%m-%d} to {panel.dates[-1]:%Y-%m-%d}")
    below.set_xlabel("trading day of the path")


def _tails(axis: Any, returns: Array, drawn: Array) -> None:
    sizes = np.linspace(0.5, 8.0, 60)

    def beyond(series: Array) -> Array:
        """Share of days further than each size from the mean, of (..., days, tokens)."""
        centred = series - series.mean(axis=-2, keepdims=True)
        standard = np.abs(centred / centred.std(axis=-2, keepdims=True))
        flat = standard.reshape(*standard.shape[:-2], -1)
        return np.stack([(flat > size).mean(axis=-1) for size in sizes], axis=-1)

    _band(axis, sizes, beyond(returns), beyond(drawn))
    axis.set_yscale("log")
    axis.set_ylim(0.3 / returns.size, 1)
    axis.set_title("Tails: share of days further out", loc="left", fontsize=10)
    axis.set_xlabel("standard deviations from the mean, either side")
    axis.set_ylabel("share of days and tokens")
    axis.legend(frameon=False)


def _clusters(axis: Any, returns: Array, drawn: Array) -> None:
    lags = np.arange(1, min(LONGEST_LAG, len(returns) // 4) + 1, dtype=float)

    def correlations(series: Array) -> Array:
        means = [squares_autocorrelation(series, int(lag)).mean(axis=-1) for lag in lags]
        return np.stack(means, axis=-1)

    _band(axis, lags, correlations(returns), correlations(drawn))
    axis.axhline(0, color="black", linewidth=0.5)
    axis.set_title("Clusters: autocorrelation of squared returns", loc="left", fontsize=10)
    axis.set_xlabel("lag, trading days")
    axis.set_ylabel("mean over tokens")


def _band(axis: Any, at: Array, data: Array, model: Array) -> None:
    low, middle, high = np.quantile(model, [0.05, 0.5, 0.95], axis=0)
    axis.fill_between(at, low, high, color=BAND, linewidth=0, label="model, 90 % of paths")
    axis.plot(at, middle, color="0.35", linestyle="--", linewidth=1.5, label="model, median")
    axis.plot(at, data, color="black", linewidth=1.8, label="data")
