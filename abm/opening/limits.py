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
    entries = [entry for each in scenario.schedules.values() for entry in each.criteria]
    given = [entry.haircut_percentage for entry in entries]
    given += [kind.haircut for kind in scenario.assets.values()]
    haircut = max((each for each in given if each is not None), default=0.0)
    return 1 / (1 - haircut) if scenario.schedules else 1.0


def refuse_overflow(
    scenario: Scenario,
    tokens: Sequence[str],
    table: LoanTable,
    sizes: Sizes,
    terms: Terms,
    prices: Ints,
    sensitivity: Floats,
    wallets: Ints | None = None,
) -> None:
    """Refuse a market whose collateral could come to be worth more than it can count.

    Args:
        scenario: what is built.
        tokens: names of the ledger's columns.
        table: the loans, of these sizes and under these terms.
        sizes: of the loans.
        terms: of the agreements.
        prices: true ones, shape (days, tokens).
        sensitivity: of prices to sales, a row a day or one.
        wallets: prefunded inventories, shape (wallets, tokens); without them only loans are looked
            at one by one.

    Raises:
        InputError: naming the loan, or saying that it is all of them together.
    """
    held = np.zeros(len(tokens)) if wallets is None else wallets.sum(axis=0, dtype=np.float64)
    once = prices.min(axis=0).astype(np.float64), prices.max(axis=0).astype(np.float64)
    value = largest_values(table, sizes, terms, *once) * dearest(scenario)
    worth = float(value.sum())
    lowest, highest = price_range(scenario, tokens, prices, sensitivity, worth, held)
    if scenario.close_out.impact or scenario.oracle.wrong_prices:
        value = largest_values(table, sizes, terms, lowest, highest) * dearest(scenario)
    row = int(value.argmax())
    if value[row] >= LARGEST_VALUE:
        raise InputError(
            f"loan {table.loan_id[row]}: its collateral could come to be worth"
            f" {value[row]:.3g} money units, above the limit of {LARGEST_VALUE:.3g};"
            " make the loan smaller or choose a larger money.unit"
        )
    swing = float((highest / lowest).max())
    counted = np.maximum(sizes.posted, sizes.lent).sum(axis=0, dtype=np.float64).max()
    if counted * swing >= LARGEST_VALUE:
        raise InputError(
            f"loans: {counted:.3g} tokens of one kind are more than the ledger can count;"
            " make the loans smaller"
        )
    together = float(value.sum() + held @ highest)
    if wallets is not None and together >= LARGEST_VALUE:
        raise InputError(
            f"all loans and inventories together could come to be worth {together:.3g} money units,"
            f" above the limit of {LARGEST_VALUE:.3g}; make them smaller or choose a larger"
            " money.unit"
        )
