"""Fit of GARCH(1,1) with constant correlation."""

from __future__ import annotations

from scenarios.prices.calibration.estimates import Fit
from scenarios.prices.calibration.garch_estimate import estimate_garch
from scenarios.prices.garch import GarchSource
from scenarios.prices.panel import PricePanel


def fit_garch(panel: PricePanel) -> Fit[GarchSource]:
    """The source of prices that `estimate_garch` comes to.

    Raises:
        InputError: too few days, the package arch is missing, or no stationary process fits.
    """
    fields, estimates, likelihood = estimate_garch(panel)
    return Fit(GarchSource(**fields), estimates, likelihood)
