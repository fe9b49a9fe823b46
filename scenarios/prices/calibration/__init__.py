"""Fitting price models to recorded closes, and judging the fit."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from scenarios.errors import InputError, nearest
from scenarios.prices.calibration.estimates import Estimate, Fit
from scenarios.prices.model_source import ModelSource
from scenarios.prices.panel import PricePanel

MODELS = {
    "gbm": "diffusion:fit_gbm",
    "student_t": "diffusion:fit_student_t",
    "garch": "garch:fit_garch",
    "merton": "merton:fit_merton",
    "merton_own": "merton:fit_merton_own",
    "regimes": "regimes:fit_regimes",
}
"""The models that can be fitted, and where the function is."""


def fit(model: str, panel: PricePanel) -> Fit[ModelSource]:
    """Fit a model to the daily log-returns of a panel.

    Raises:
        InputError: unknown model, too few days, a price that never moves, or no fit found.
    """
    if model not in MODELS:
        raise InputError(
            f"model: no model {model!r}{nearest(model, MODELS)}; there is {', '.join(MODELS)}"
        )
    module, name = MODELS[model].split(":")
    function: Callable[[PricePanel], Fit[ModelSource]] = getattr(
        import_module(f"scenarios.prices.calibration.{module}"), name
    )
    return function(panel)


__all__ = ["MODELS", "Estimate", "Fit", "fit"]
