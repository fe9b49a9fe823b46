"""What loans lend and what is posted for them, in tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from abm.books.schedules import ScheduleBook
from abm.opening.drawn_loans import PARTS, rows_by
from abm.opening.exact import product_over, scaled, times
from abm.opening.loan_table import LoanTable
from scenarios.agreement import exact
from scenarios.errors import named, refuse_unpriced

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sizes:
    """What each loan lends and what is posted for it at the start, in tokens."""

    lent: Ints
    posted: Ints


def size_loans(
    table: LoanTable,
    tokens: Sequence[str],
    cash: str,
    prices: Ints,
    unit: float,
    schedules: ScheduleBook,
) -> Sizes:
    """Size every loan at the prices of the day on which it begins.

    A loan given by its collateral is worth `(1-α)·Σ P·N`, rounded down (paper, Table 2). For the
    others the collateral is the smallest whole number of tokens worth the required value, spread
    by value as the loan's composition says.

    Args:
        table: the loans.
        tokens: names of the ledger's columns.
        cash: the cash token.
        prices: of each token, in money units, shape (days, tokens).
        unit: smallest money unit.
        schedules: what tokens count for.

    Raises:
        InputError: a loan names a token without a price.
    """
    shape = (len(table), len(tokens))
    lent, posted = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    kinds, agreements, drawn = table.drawn.kinds, table.agreements, table.drawn
    for key, rows in rows_by(table.agreement * len(kinds) + drawn.kind):
        kind, t = kinds[key % len(kinds)], key // len(kinds)
        scale, ratio = table.scale[rows], agreements[t].collateral_ratio
        today = at_start(prices, drawn.start[rows])
        if kind.collateral is not None:
            posted[rows] = _scaled(_quantities(kind.collateral, tokens, "collateral"), scale)
        if kind.lent is not None:
            lent[rows] = _scaled(_quantities(kind.lent, tokens, "lent"), scale)
        elif kind.principal is not None:
            token = _lent_column(table, rows, tokens, cash)
            units = exact(kind.principal) / exact(unit)
            worth = scaled(np.ones(len(rows), np.int64), units, scale, "nearest")
            price = today[np.arange(len(rows)) % len(today), token]
            lent[rows, token] = np.maximum(worth // price, 1)
        else:
            held = worth_of(posted[rows], schedules.counting(t, today))
            lent[rows, list(tokens).index(cash)] = times(held, 1 / ratio)
        if kind.collateral is None:
            required = times(worth_of(lent[rows], today), ratio, "up")
            posted[rows] = spread(table, tokens, rows, required, today, schedules)
    return Sizes(lent, posted)


def at_start(prices: Ints, start: Ints) -> Ints:
    """Prices of the days on which loans begin, shape (loans, tokens); one row if it is one day.

    Args:
        prices: of each token, in money units, shape (days, tokens).
        start: days, shape (loans,).
    """
    same = not len(start) or (start == start[0]).all()
    return prices[start[:1]] if same else prices[start]


def worth_of(amounts: Ints, prices: Ints) -> Ints:
    """Value of amounts, shape (loans, tokens), at the prices of each, or in one row of all."""
    if len(prices) == 1:
        return np.asarray(amounts @ prices[0])
    return np.asarray(np.einsum("ij,ij->i", amounts, prices))


def _lent_column(table: LoanTable, rows: Ints, tokens: Sequence[str], cash: str) -> int | Ints:
    """What loans of one kind lend a principal in: a column, or one for each."""
    if table.lent_token is not None:
        return table.lent_token[rows]
    kind = table.drawn.kinds[table.drawn.kind[rows[0]]]
    assert not isinstance(kind.lent_token, dict)
    return _column(kind.lent_token or cash, tokens, "lent_token")


def spread(
    table: LoanTable,
    tokens: Sequence[str],
    rows: Ints,
    required: Ints,
    prices: Ints,
    schedules: ScheduleBook,
) -> Ints:
    """Tokens that count for at least the required values, in the shares of the loans' composition.

    Each token is rounded down but for the first one of the agreement's order that a loan has a
    share of, which makes up the rest: in what order the shares are written does not matter.

    Args:
        table: the loans.
        tokens: names of the ledger's columns, cash last.
        rows: some of the loans, which have one kind and one agreement.
        required: value of the collateral of each of `rows`, in money units.
        prices: of each token, in money units, a row for each of `rows` or one for all.
        schedules: what tokens count for.

    Raises:
        InputError: a composition names a token without a price.
    """
    kind, t = table.drawn.kinds[table.drawn.kind[rows[0]]], int(table.agreement[rows[0]])
    order, prices = table.agreements[t].eligible(tokens, tokens[-1]), schedules.counting(t, prices)
    shares = kind.composition or dict.fromkeys(schedules.accepted(t, order), 1.0)
    columns = {_column(token, tokens, "composition"): share for token, share in shares.items()}
    ranked = [*dict.fromkeys([*map(list(tokens).index, order), *range(len(tokens))])]
    own = table.shares[rows] if table.shares is not None else None
    if own is not None and own.any():
        return _spread_own(required, own, [*columns], ranked, prices)
    return _spread(required, columns, ranked, prices)


def _column(token: str, tokens: Sequence[str], field: str) -> int:
    if token not in tokens:
        with named(f"loan.{field}"):
            refuse_unpriced(token, tokens)
    return list(tokens).index(token)


def _quantities(counts: Mapping[str, int], tokens: Sequence[str], field: str) -> Ints:
    quantities = np.zeros(len(tokens), np.int64)
    for token, quantity in counts.items():
        quantities[_column(token, tokens, field)] = quantity
    return quantities


def _scaled(quantities: Ints, scale: Floats) -> Ints:
    shape = (len(scale), len(quantities))
    amounts = np.broadcast_to(quantities, shape)
    return scaled(amounts, exact(1), np.broadcast_to(scale[:, None], shape), "nearest")


def _spread_own(
    required: Ints, own: Ints, columns: Sequence[int], ranked: Sequence[int], prices: Ints
) -> Ints:
    """Shares that each loan has drawn; the first in `ranked` of those it has makes up the rest."""
    posted = np.zeros(own.shape, np.int64)
    for column in columns:
        posted[:, column] = product_over(required, own[:, column], PARTS, prices[:, column])
    first, each = np.array(ranked)[(own[:, ranked] > 0).argmax(axis=1)], np.arange(len(own))
    posted[each, first] = 0
    rest = np.maximum(required - worth_of(posted, prices), 0)
    posted[each, first] = -(-rest // prices[each % len(prices), first])
    return posted


@lru_cache(maxsize=256)
def _parts_of(shares: tuple[float, ...]) -> list[Fraction]:
    """What each is of all of them."""
    total = sum(map(exact, shares))
    return [exact(share) / total for share in shares]


def _spread(
    required: Ints, columns: Mapping[int, float], ranked: Sequence[int], prices: Ints
) -> Ints:
    """The same shares for all; by columns, of which the first in `ranked` makes up the rest."""
    posted = np.zeros((len(required), prices.shape[1]), np.int64)
    first, *others = [column for column in ranked if columns.get(column)]
    parts = dict(zip(columns, _parts_of(tuple(columns.values())), strict=True))
    for column in others:
        part, whole = parts[column].as_integer_ratio()
        posted[:, column] = product_over(required, part, whole, prices[:, column])
    rest = required - worth_of(posted, prices)
    posted[:, first] += np.maximum(-(-rest // prices[:, first]), 0)
    return posted
