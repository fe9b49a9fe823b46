"""What a market can count: refuses those whose numbers could come to be too large for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from abm.books.ledger import LARGEST_VALUE
from abm.books.terms import Terms
from abm.opening.loan_table import LoanTable
from abm.opening.sizes import Sizes
from scenarios.errors import InputError
from scenarios.prices.panel import LARGEST_PRICE
from scenarios.scenario import Scenario
from scenarios.stress import ExponentialImpact

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def price_range(
    scenario: Scenario,
    tokens: Sequence[str],
    prices: Ints,
    sensitivity: Floats,
    value: float,
    wallets: Floats,
) -> tuple[Floats, Floats]:
    """The lowest and highest price of each token that can be published, in money units.

    Wrong prices count, and so does the mark of sales, at its worst: all collateral is of one token
    and sold. What has become cheap is called for in larger numbers, so that its price can fall on,
    down to one unit.

    Args:
        scenario: with its faults of the oracle and its price impact.
        tokens: names of the ledger's columns.
        prices: true ones, shape (days, tokens).
        sensitivity: of prices to sales (`sensitivity_of`).
        value: what all loans can require together, in money units.
        wallets: tokens held beside that, shape (tokens,).

    Raises:
        InputError: a wrong price is too large to be exact.
    """
    lowest, highest = prices.min(axis=0).astype(np.float64), prices.max(axis=0).astype(np.float64)
    impact = scenario.close_out.impact
    if impact is not None:
        power = 1 if isinstance(impact, ExponentialImpact) else 2
        for column, most in enumerate(sensitivity[:, :-1].max(axis=0).tolist()):
            lowest[column] = _sold_out(lowest[column], most, power, value, wallets[column])
    bounds = lowest.copy(), highest.copy()
    for wrong in scenario.oracle.wrong_prices:
        if wrong.token not in tokens:
            continue
        column = list(tokens).index(wrong.token)
        published = float(highest[column]) * wrong.factor
        if published >= LARGEST_PRICE:
            raise InputError(
                f"oracle.wrong_prices: {wrong.token} on day {wrong.day}: a factor of"
                f" {wrong.factor:g} makes a price of {published:.3g} money units; it must stay"
                f" below {LARGEST_PRICE:.3g}"
            )
        bounds[0][column] = min(bounds[0][column], max(lowest[column] * wrong.factor, 1))
        bounds[1][column] = max(bounds[1][column], published)
    return bounds


def _sold_out(price: float, sensitivity: float, power: int, value: float, held: float) -> float:
    """The price that is left if tokens worth `value` at that price, and those held, are sold."""
    low = price
    for _ in range(1000):
        mark = (sensitivity * (value / price + held)) ** (1 / power)
        fallen = max(low * math.exp(-min(mark, 700.0)), 1.0)
        if fallen >= price * (1 - 1e-9):
            return fallen
        price = fallen
    return 1.0


def largest_values(
    table: LoanTable, sizes: Sizes, terms: Terms, lowest: Floats, highest: Floats
) -> Floats:
    """What the collateral of each loan could come to be worth, in money units, shape (loans,).

    The bound: what is posted and what can be required, times the widest move of any price.
    """
    ratio = (terms.upper_numerator / terms.upper_denominator)[table.agreement]
    swing = float((highest / lowest).max())
    return np.maximum(sizes.posted @ highest, sizes.lent @ highest * ratio) * swing


def dearest(scenario: Scenario) -> float:
    """How much more collateral haircuts of tokens ask for at most than that of an agreement."""
    if not scenario.schedules:
        return 1.0
    entries = [entry for each in scenario.schedules.values() for entry in each.criteria]
    given = [entry.haircut_percentage for entry in entries]
    given += [kind.haircut for kind in scenario.assets.values()]
    haircut = max((each for each in given if each is not None), default=0.0)
    return 1 / (1 - haircut)


class Bounds:
    """What the collateral of a market could come to be worth, and whether that can be counted."""

    def __init__(
        self,
        scenario: Scenario,
        tokens: Sequence[str],
        table: LoanTable,
        sizes: Sizes,
        terms: Terms,
        prices: Ints,
        sensitivity: Floats,
    ):
        """Bounds of what is built.

        Args:
            scenario: with its stress.
            tokens: names of the ledger's columns.
            table: the loans, of these sizes and under these terms.
            sizes: of the loans.
            terms: of the agreements.
            prices: true ones, shape (days, tokens).
            sensitivity: of prices to sales, a row a day or one.
        """
        self._scenario, self._tokens, self._sensitivity = scenario, tokens, sensitivity
        self._table, self._sizes, self._terms = table, sizes, terms
        self._prices, self._dearest = prices, dearest(scenario)
        once = prices.min(axis=0).astype(np.float64), prices.max(axis=0).astype(np.float64)
        self._once = once
        self._value = largest_values(table, sizes, terms, *once) * self._dearest

    def refuse_loans(self) -> None:
        """Refuse loans whose collateral could come to be worth more than can be counted.

        Raises:
            InputError: naming the loan, or saying that it is their tokens together.
        """
        self._refuse_loans(*self._with(np.zeros(len(self._tokens))))

    def refuse_together(self, wallets: Ints) -> None:
        """Refuse loans beside prefunded inventories, shape (wallets, tokens), likewise.

        Raises:
            InputError: as for loans alone, or saying that it is all of them together.
        """
        held = wallets.sum(axis=0, dtype=np.float64)
        value, lowest, highest = self._with(held)
        if self._moves:
            self._refuse_loans(value, lowest, highest)
        together = float(value.sum() + held @ highest)
        if together >= LARGEST_VALUE:
            raise InputError(
                f"all loans and inventories together could come to be worth {together:.3g} money"
                f" units, above the limit of {LARGEST_VALUE:.3g}; make them smaller or choose a"
                " larger money.unit"
            )

    @property
    def _moves(self) -> bool:
        """Whether published prices can be others than the true ones."""
        return bool(self._scenario.close_out.impact or self._scenario.oracle.wrong_prices)

    def _with(self, held: Floats) -> tuple[Floats, Floats, Floats]:
        """Values of loans, and the lowest and highest prices, beside tokens that are held."""
        if not self._moves:
            return self._value, *self._once
        scenario, worth = self._scenario, float(self._value.sum())
        lowest, highest = price_range(
            scenario, self._tokens, self._prices, self._sensitivity, worth, held
        )
        value = largest_values(self._table, self._sizes, self._terms, lowest, highest)
        return value * self._dearest, lowest, highest

    def _refuse_loans(self, value: Floats, lowest: Floats, highest: Floats) -> None:
        row = int(value.argmax())
        if value[row] >= LARGEST_VALUE:
            raise InputError(
                f"loan {self._table.loan_id[row]}: its collateral could come to be worth"
                f" {value[row]:.3g} money units, above the limit of {LARGEST_VALUE:.3g};"
                " make the loan smaller or choose a larger money.unit"
            )
        swing = float((highest / lowest).max())
        counted = np.maximum(self._sizes.posted, self._sizes.lent).sum(axis=0, dtype=np.float64)
        if counted.max() * swing >= LARGEST_VALUE:
            raise InputError(
                f"loans: {counted.max():.3g} tokens of one kind are more than the ledger can"
                " count; make the loans smaller"
            )
