"""The result of a fit: a model, and its parameters with standard errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from scenarios.prices.calibration.parameters import pairs
from scenarios.prices.model_source import ModelSource
from scenarios.prices.paths import Array

Source = TypeVar("Source", bound=ModelSource, covariant=True)


@dataclass(frozen=True)
class Estimate:
    """One fitted number.

    Attributes:
        parameter: as the field is called in a scenario.
        tokens: the token, pair of tokens or state it belongs to; empty for all.
        value: the estimate.
        error: its standard error; NaN where the data do not determine one.
    """

    parameter: str
    tokens: str
    value: float
    error: float


@dataclass(frozen=True)
class Fit(Generic[Source]):
    """A fitted model.

    Attributes:
        source: the model with the fitted parameters, ready for a scenario; its first prices are
            the last closes of the data.
        estimates: the parameters with standard errors.
        log_likelihood: of the daily log-returns under the fitted model.
        joint: whether that is the likelihood of all tokens together; otherwise it is the sum
            over tokens one by one, and not comparable with a joint one.
    """

    source: Source
    estimates: tuple[Estimate, ...]
    log_likelihood: float
    joint: bool = True

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k - 2 ln L: the lower, the better the model for these data."""
        return 2 * len(self.estimates) - 2 * self.log_likelihood


def by_token(
    parameter: str, tokens: tuple[str, ...], values: Array, errors: Array
) -> Iterator[Estimate]:
    """An estimate for each token."""
    for token, value, error in zip(tokens, values, errors, strict=True):
        yield Estimate(parameter, token, float(value), float(error))


def by_pair(
    tokens: tuple[str, ...], upper: Array, errors: Array, state: str = ""
) -> Iterator[Estimate]:
    """An estimate of the correlation for each pair of tokens."""
    rows, columns = pairs(len(tokens))
    for row, column, value, error in zip(rows, columns, upper, errors, strict=True):
        yield Estimate(
            f"{state}correlation", f"{tokens[row]}, {tokens[column]}", float(value), float(error)
        )
