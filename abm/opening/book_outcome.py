"""What a drawn book came out as, beside the targets that it was drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.opening.build import Blueprint
from abm.opening.drawn_book import LARGEST
from scenarios.book import Book, BookTargets

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Outcome(NamedTuple):
    """One target, and what came out."""

    name: str
    kind: str
    """`share`, or `number`."""
    target: float
    drawn: float
    source: str


def open_loans(blueprint: Blueprint) -> Ints:
    """How many loans are open at the end of each day as they were drawn, shape (days,)."""
    loans, days = blueprint.books.loans, len(blueprint.days)
    begin = np.bincount(np.maximum(loans.opened, 0), minlength=days)[:days]
    end = np.bincount(np.minimum(loans.maturity, days), minlength=days + 1)[:days]
    return np.cumsum(begin) - np.cumsum(end)


def outcomes(book: Book, blueprint: Blueprint) -> list[Outcome]:
    """Each target of a book, and what was drawn: on day 0, at its prices, by value.

    Args:
        book: of the scenario.
        blueprint: of its market.

    Raises:
        InputError: the file of targets cannot be read.
    """
    targets = book.load()
    rows = np.flatnonzero(blueprint.books.loans.opened <= 0)
    lent = blueprint.books.lent[rows] * blueprint.prices[0]
    value = lent.sum(axis=1).astype(np.float64)
    return [
        Outcome("loans", "number", book.loans, len(rows), "the scenario"),
        *_of_classes(targets, blueprint, rows, lent),
        *_of_parties(targets, blueprint, rows, value),
        *_of_lives(targets, blueprint, rows, value),
        Outcome(
            "mean_size",
            "number",
            targets.mean_size.value,
            float(value.mean() * blueprint.unit),
            targets.mean_size.source,
        ),
    ]


def _of_classes(
    targets: BookTargets, blueprint: Blueprint, rows: Ints, lent: Ints
) -> Iterator[Outcome]:
    """What is lent, what secures it, and what it costs."""
    cash, assets = len(blueprint.tokens) - 1, blueprint.assets
    by_token = lent.sum(axis=0).astype(np.float64)
    posted = blueprint.posted[rows] * blueprint.prices[0]
    against_cash = posted[:, cash] > 0
    collateral = posted[~against_cash].sum(axis=0).astype(np.float64)
    for field, values in (("lent", by_token), ("collateral", collateral)):
        given = getattr(targets, field)
        whole = sum(share.value for share in given.values())
        for name, share in given.items():
            of_class = values[assets.asset_class == assets.classes.index(name)].sum()
            drawn = _share(of_class, values.sum())
            yield Outcome(f"{field}.{name}", "share", share.value / whole, drawn, share.source)
    drawn = _share(lent[against_cash].sum(), lent.sum())
    told = targets.against_cash
    yield Outcome("against_cash", "share", told.value, drawn, told.source)
    assert blueprint.fee is not None
    fee, value = blueprint.fee[rows], lent.sum(axis=1).astype(np.float64)
    of_loan = assets.asset_class[lent.argmax(axis=1)]
    for name, target in targets.fees.items():
        some = of_loan == assets.classes.index(name)
        general = assets.lending_fee[assets.asset_class == assets.classes.index(name)][0]
        special = _share(value[some & (fee > general)].sum(), value[some].sum())
        average = _share((fee * value)[some].sum(), value[some].sum())
        yield Outcome(f"fees.{name}.specials", "share", target.specials, special, target.source)
        yield Outcome(f"fees.{name}.average", "number", target.average, average, target.source)


def _of_parties(
    targets: BookTargets, blueprint: Blueprint, rows: Ints, value: Floats
) -> Iterator[Outcome]:
    """How concentrated borrowers and agents are."""
    accounts = blueprint.books.accounts
    account = blueprint.books.loans.account[rows]
    assert blueprint.agent is not None
    by = {
        "largest_borrowers": accounts.borrower[account],
        "largest_agents": blueprint.agent[accounts.lender[account]],
    }
    for field, who in by.items():
        largest = np.sort(np.bincount(who, value))[-LARGEST:].sum()
        told = getattr(targets, field)
        yield Outcome(field, "share", told.value, _share(largest, value.sum()), told.source)


def _of_lives(
    targets: BookTargets, blueprint: Blueprint, rows: Ints, value: Floats
) -> Iterator[Outcome]:
    """For how long loans run, from those that are drawn as open ended and by terms."""
    if blueprint.open_ended is None:
        return
    open_ended, tenor = blueprint.open_ended, blueprint.books.loans.tenor
    told = targets.open_ended
    whole = told.value + sum(term.value for term in targets.terms)
    drawn = _share(value[open_ended[rows]].sum(), value.sum())
    yield Outcome("open_ended", "share", told.value / whole, drawn, told.source)
    for term in targets.terms:
        some = ~open_ended[rows] & (tenor[rows] == term.days)
        drawn = _share(value[some].sum(), value.sum())
        yield Outcome(f"terms.{term.days}", "share", term.value / whole, drawn, term.source)
    later = open_ended & (blueprint.books.loans.opened > 0)
    if later.any():
        life = float(tenor[later].mean())
        told_life = targets.open_life
        yield Outcome("open_life", "number", told_life.value, life, told_life.source)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
