"""What loans lend and what is posted for them, in tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.schedules import ScheduleBook
from abm.opening.drawn_loans import PARTS, rows_by
from abm.opening.exact import product_over, scaled, times
from abm.opening.loan_table import LoanTable
from scenarios.agreement import exact
from scenarios.errors import named, refuse_unpriced
from scenarios.kept import shared
from scenarios.loans import Loan

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BLOCK = 65_536
"""Loans whose collateral is worked out at once."""


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
    alike = shared(kinds).get("alike", lambda: _alike(kinds))
    for key, rows in rows_by(table.agreement * len(kinds) + alike[drawn.kind]):
        kind, t = kinds[key % len(kinds)], key // len(kinds)
        scale, ratio = table.scale[rows], agreements[t].collateral_ratio
        today = at_start(prices, drawn.start[rows])
        if kind.collateral is not None:
            posted[rows] = _scaled(_quantities(kind.collateral, tokens, "collateral"), scale)
        if kind.lent is not None:
            lent[rows] = _scaled(_quantities(kind.lent, tokens, "lent"), scale)
        elif kind.principal is not None:
            token = _lent_columns(table, rows, tokens, cash)
            units = exact(kind.principal) / exact(unit)
            worth = scaled(np.ones(len(rows), np.int64), units, scale, "nearest")
            each = np.arange(len(rows))
            lent[rows, token] = np.maximum(worth // today[each % len(today), token], 1)
        else:
            held = worth_of(posted[rows], schedules.counting(t, today))
            lent[rows, list(tokens).index(cash)] = times(held, 1 / ratio)
        if kind.collateral is None:
            required = times(worth_of(lent[rows], today), ratio, "up")
            posted[rows] = spread(table, tokens, rows, required, today, schedules)
    return Sizes(lent, posted)


def _alike(kinds: Sequence[Loan]) -> Ints:
    """For each kind the first one that differs in the token lent and in the composition alone."""
    first: dict[object, int] = {}
    told = [(each.principal, _counts(each.lent), _counts(each.collateral)) for each in kinds]
    return np.array([first.setdefault(each, row) for row, each in enumerate(told)], np.int64)


def _counts(counts: Mapping[str, int] | None) -> object:
    return counts if counts is None else tuple(counts.items())


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


def _lent_columns(table: LoanTable, rows: Ints, tokens: Sequence[str], cash: str) -> Ints:
    """Columns of what some loans lend a principal in."""
    if table.lent_token is not None:
        return table.lent_token[rows]
    kinds = table.drawn.kinds

    def columns() -> Ints:
        names = [str(kind.lent_token or cash) for kind in kinds]
        return np.array([_column(name, tokens, "lent_token") for name in names], np.int64)

    found = shared(kinds).get(("lent", *tokens), columns)
    return np.asarray(found[table.drawn.kind[rows]])


class _Parts(NamedTuple):
    """What part of the collateral each token is, of kinds of loans under one agreement."""

    part: Ints
    """Numerators, shape (kinds, tokens); 0 for the token that makes up the rest."""
    whole: Ints
    """Denominators, likewise."""
    rest: Ints
    """Column of the token that makes up the rest, shape (kinds,)."""
    ranked: Ints
    """All columns, in the agreement's order, shape (tokens,)."""


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
        rows: some of the loans, which have one agreement.
        required: value of the collateral of each of `rows`, in money units.
        prices: of each token, in money units, a row for each of `rows` or one for all.
        schedules: what tokens count for.

    Raises:
        InputError: a composition names a token without a price.
    """
    t, kinds = int(table.agreement[rows[0]]), table.drawn.kinds
    prices, parts = schedules.counting(t, prices), _parts_under(table, t, tokens, schedules)
    kind = table.drawn.kind[rows]
    drew = np.zeros(len(rows), np.bool_)
    if table.shares is not None:
        own = table.shares[rows]
        drew = np.isin(kind, kind[own.any(axis=1)])
    posted = np.zeros((len(rows), len(tokens)), np.int64)
    for some in _blocks(np.flatnonzero(~drew)):
        of_kind = kind[some] if len(kinds) > 1 else kind[:1]
        posted[some] = _spread(required[some], parts, of_kind, _at(prices, some))
    for some in _blocks(np.flatnonzero(drew)):
        posted[some] = _spread_own(required[some], own[some], parts.ranked, _at(prices, some))
    return posted


def _blocks(rows: Ints) -> Iterator[Ints]:
    """Rows, so many at a time that what is worked out for them takes little memory."""
    for begin in range(0, len(rows), BLOCK):
        yield rows[begin : begin + BLOCK]


def _at(prices: Ints, rows: Ints) -> Ints:
    return prices if len(prices) == 1 else prices[rows]


def _parts_under(
    table: LoanTable, t: int, tokens: Sequence[str], schedules: ScheduleBook
) -> _Parts:
    """The parts of all kinds of loans under an agreement, worked out once."""
    order = table.agreements[t].eligible(tokens, tokens[-1])
    given = tuple(order), tuple(schedules.accepted(t, order)), tuple(tokens)
    kinds = table.drawn.kinds
    return shared(kinds).get(("parts", *given), lambda: _parts(kinds, *given))


def _parts(
    kinds: Sequence[Loan], order: Sequence[str], accepted: Sequence[str], tokens: Sequence[str]
) -> _Parts:
    """The parts of the tokens in the compositions of some kinds.

    Args:
        kinds: of loans.
        order: eligible tokens in the agreement's order.
        accepted: those of which an equal part is posted where there is no composition.
        tokens: names of the columns.

    Raises:
        InputError: a composition names a token without a price.
    """
    ranked = dict.fromkeys([*(tokens.index(token) for token in order), *range(len(tokens))])
    part, whole = np.zeros((2, len(kinds), len(tokens)), object)
    rest = np.zeros(len(kinds), np.int64)
    for row, kind in enumerate(kinds):
        shares = kind.composition or dict.fromkeys(accepted, 1.0)
        of = {_column(token, tokens, "composition"): exact(each) for token, each in shares.items()}
        whole[row], total = 1, sum(of.values())
        first, *others = [column for column in ranked if of.get(column)]
        for column in others:
            part[row, column], whole[row, column] = (of[column] / total).as_integer_ratio()
        rest[row] = first
    if max(part.max(), whole.max()) < 2**62:
        part, whole = part.astype(np.int64), whole.astype(np.int64)
    return _Parts(part, whole, rest, np.array([*ranked], np.int64))


def _spread(required: Ints, parts: _Parts, kind: Ints, prices: Ints) -> Ints:
    """What loans of these kinds, or of one, post at prices of each or of all."""
    each, rest_in = np.arange(len(required)), parts.rest[kind]
    posted = product_over(required[:, None], parts.part[kind], parts.whole[kind], prices)
    rest = required - worth_of(posted, prices)
    price = prices[each % len(prices), rest_in]
    posted[each, rest_in] += np.maximum(-(-rest // price), 0)
    return posted


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


def _spread_own(required: Ints, own: Ints, ranked: Ints, prices: Ints) -> Ints:
    """Shares that each loan has drawn; the first in `ranked` of those it has makes up the rest."""
    posted = product_over(required[:, None], own, PARTS, prices)
    first, each = ranked[(own[:, ranked] > 0).argmax(axis=1)], np.arange(len(own))
    posted[each, first] = 0
    rest = np.maximum(required - worth_of(posted, prices), 0)
    posted[each, first] = -(-rest // prices[each % len(prices), first])
    return posted
