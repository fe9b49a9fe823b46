"""What is measured of every day, written into a column of numbers; compiled.

`abm.measures.standard` says what each means.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from abm.books.before import HELD, LENT, SHORT_HELD, SHORT_LENT
from abm.books.books import Books
from abm.books.compiled import compiled, inlined
from abm.books.loan_book import ACTIVE
from abm.books.tally import COUNTED, UNMET_CALLS
from abm.books.terms import fraction_of
from abm.measures.moments import BASIS_POINTS, CloseOuts
from abm.measures.statistics import LANES, add_up, concentration, expected_shortfall

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_BY_BOOKS = (
    "open_loans",
    "lent_before",
    "lent",
    "exposure",
    "collateral_value",
    "coverage",
    "gap_before",
    "gap",
    "close_out_gap",
    "absolute_gap",
    "uncollateralised_before",
    "uncollateralised_after",
    "uncollateralised_close_out",
    "uncollateralised_before_bp",
    "uncollateralised_after_bp",
    "uncollateralised_after_largest",
    "uncollateralised_after_es",
    "uncollateralised_after_loans",
    "requirement_shortfall_before",
    "requirement_shortfall_before_bp",
    "requirement_shortfall_bp",
    "requirement_shortfall",
    "requirement_shortfall_max",
    "over_collateralisation",
    "over_collateralisation_max",
    "close_out_exposure",
    "reuse_outstanding",
    "reuse_chain",
    "collateral_velocity",
    "hhi_lenders",
    "hhi_collateral",
    "wallet_value",
    "wrong_way_share",
)
(
    OPEN_LOANS,
    LENT_BEFORE,
    LENT_AFTER,
    EXPOSURE,
    COLLATERAL_VALUE,
    COVERAGE,
    GAP_BEFORE,
    GAP,
    CLOSE_OUT_GAP,
    ABSOLUTE_GAP,
    BARE_BEFORE,
    BARE_AFTER,
    BARE_CLOSE_OUT,
    BARE_BEFORE_BP,
    BARE_AFTER_BP,
    BARE_LARGEST,
    BARE_ES,
    BARE_LOANS,
    SHORTFALL_BEFORE,
    SHORTFALL_BEFORE_BP,
    SHORTFALL_BP,
    SHORTFALL,
    SHORTFALL_MAX,
    OVER,
    OVER_MAX,
    CLOSE_OUT_EXPOSURE,
    REUSE_OUTSTANDING,
    REUSE_CHAIN,
    VELOCITY,
    HHI_LENDERS,
    HHI_COLLATERAL,
    WALLET_VALUE,
    WRONG_WAY_SHARE,
) = range(len(_BY_BOOKS))

WRITTEN = (*_BY_BOOKS, *COUNTED)
"""Names of what is written, in its order."""

_IS_VALUE = np.array([name.endswith("_value") for name in COUNTED])
_PARTICIPANTS, _COLLATERAL = 0, 2  # of `Holdings`


class Desk(NamedTuple):
    """Room to work in."""

    by_lender: Floats
    """Shape (lanes, participants)."""
    exposures: Floats
    """Shape (accounts,)."""
    failing: npt.NDArray[np.bool_]
    """Shape (participants,)."""
    held: Ints
    """What accounts of each kind hold together, shape (kinds of `Holdings`, tokens)."""


def new_desk(participants: int, accounts: int, tokens: int) -> Desk:
    """Room for a market of this size."""
    return Desk(
        np.zeros((LANES, participants)),
        np.zeros(accounts),
        np.zeros(participants, np.bool_),
        np.zeros((4, tokens), np.int64),
    )


@compiled
def write_day(
    books: Books,
    prices: Ints,
    unit: float,
    closing_before: CloseOuts,
    closing: CloseOuts,
    default_day: Ints,
    chain: int,
    desk: Desk,
    written: Floats,
    by_borrower: Floats,
) -> None:
    """Measure the day.

    Args:
        books: the market at the end of the day.
        prices: published ones in money units, at which the accounts were valued.
        unit: the smallest money unit.
        closing_before: what was being closed out in the morning.
        closing: what is being closed out at the end of the day.
        default_day: of each participant, below 0 for none.
        chain: the longest chain of re-use.
        desk: room to work in, with what is held.
        written: gets the numbers that `WRITTEN` names; money in money.
        by_borrower: gets the uncollateralised exposure to each participant in the morning, in money
            units, shape (participants,).
    """
    write_morning(books, unit, closing_before, written, by_borrower)
    write_accounts(books, unit, closing, desk, written)
    write_holdings(books, prices, unit, chain, desk.held, written)
    written[WRONG_WAY_SHARE] = wrong_way_share(books, by_borrower, default_day, desk.failing)
    for i in range(len(books.totals)):
        total = books.totals[i]
        written[WRONG_WAY_SHARE + 1 + i] = total * unit if _IS_VALUE[i] else total


@inlined
def write_morning(
    books: Books, unit: float, closing: CloseOuts, written: Floats, by_borrower: Floats
) -> None:
    """What the morning came to: from what the passes have noted, and the close-outs as they stood.

    A shortfall is `L - (1-α)·C` where that is above zero. It is summed up by agreement, in whole
    numbers, so that no account's rounding is in it.
    """
    lent, gap, shortfall, bare = 0.0, 0.0, 0.0, 0.0
    terms = books.terms
    for t in range(len(terms)):
        sums = books.before.by_agreement[t]
        if sums[LENT]:
            numerator, denominator = terms.required_denominator[t], terms.required_numerator[t]
            gap += after_haircut(sums[HELD], sums[LENT], numerator, denominator)
            shortfall -= after_haircut(sums[SHORT_HELD], sums[SHORT_LENT], numerator, denominator)
            lent += sums[LENT]
    for row in range(len(by_borrower)):
        by_borrower[row] = books.before.by_borrower[row]
    for i in range(len(closing.rows)):
        by_borrower[books.accounts[closing.rows[i]].borrower] += uncovered_close_out(closing, i)
        lent += closing.lent[i]
    for row in range(len(by_borrower)):
        bare += by_borrower[row]
    written[LENT_BEFORE] = lent * unit
    written[GAP_BEFORE] = gap * unit
    written[BARE_BEFORE] = bare * unit
    written[BARE_BEFORE_BP] = basis_points(bare, lent)
    written[SHORTFALL_BEFORE] = shortfall * unit
    written[SHORTFALL_BEFORE_BP] = basis_points(shortfall, lent)


@inlined
def write_accounts(
    books: Books, unit: float, closing: CloseOuts, desk: Desk, written: Floats
) -> None:
    """What the accounts come to at the end of the day, those in close-out among them."""
    discount = books.schedules.discount
    sums = add_up(books.accounts, books.terms, discount, desk.by_lender, desk.exposures)
    bare, value, lent = 0.0, 0.0, 0.0
    number = sums.short
    for i in range(len(closing.rows)):
        uncovered = uncovered_close_out(closing, i)
        bare += uncovered
        value += closing.value[i]
        lent += closing.lent[i]
        if uncovered:
            desk.exposures[number] = uncovered
            number += 1
    exposures = desk.exposures[:number]
    largest = 0.0
    for exposure in exposures:
        largest = max(largest, exposure)
    all_lent, all_bare = sums.exposure + lent, sums.uncollateralised + bare
    written[OPEN_LOANS] = sums.loans
    written[LENT_AFTER] = all_lent * unit
    written[EXPOSURE] = sums.exposure * unit
    written[COLLATERAL_VALUE] = sums.value * unit
    written[COVERAGE] = 1 + sums.gap / sums.exposure if sums.exposure else np.nan
    written[GAP] = sums.gap * unit
    written[CLOSE_OUT_GAP] = (value - lent) * unit
    written[ABSOLUTE_GAP] = (sums.requirement_shortfall + sums.over_collateralisation) * unit
    written[BARE_AFTER] = all_bare * unit
    written[BARE_CLOSE_OUT] = bare * unit
    written[BARE_AFTER_BP] = basis_points(all_bare, all_lent)
    written[BARE_LARGEST] = largest * unit
    written[BARE_LOANS] = number
    written[SHORTFALL_BP] = basis_points(sums.requirement_shortfall, all_lent)
    written[SHORTFALL] = sums.requirement_shortfall * unit
    written[SHORTFALL_MAX] = sums.requirement_shortfall_max * unit
    written[OVER] = sums.over_collateralisation * unit
    written[OVER_MAX] = sums.over_collateralisation_max * unit
    written[CLOSE_OUT_EXPOSURE] = lent * unit
    written[HHI_LENDERS] = concentration(desk.by_lender[0])
    # The last, as it puts the exposures into another order.
    written[BARE_ES] = expected_shortfall(exposures, sums.active + len(closing.rows)) * unit


@inlined
def write_holdings(
    books: Books, prices: Ints, unit: float, chain: int, held: Ints, written: Floats
) -> None:
    """What the tokens come to that are held as collateral, posted further, and in wallets."""
    primary, reused, wallets, squares = 0, 0, 0, 0.0
    for token in range(len(prices)):
        posted = held[_COLLATERAL, token] * prices[token]
        primary += posted
        squares += float(posted) * float(posted)
        for a in books.by_lender:
            reused += books.reused[a, token] * prices[token]
        if token < len(prices) - 1:
            wallets += held[_PARTICIPANTS, token] * prices[token]
    total = float(primary)
    written[REUSE_OUTSTANDING] = float(reused) * unit
    written[REUSE_CHAIN] = chain
    written[VELOCITY] = (total + float(reused)) / total if primary else np.nan
    written[HHI_COLLATERAL] = squares / (total * total) if primary else 0.0
    written[WALLET_VALUE] = float(wallets) * unit


@inlined
def wrong_way_share(
    books: Books, by_borrower: Floats, default_day: Ints, failing: npt.NDArray[np.bool_]
) -> float:
    """Part of the morning's exposure that is to those in default or with a call that is unmet.

    Not a number where there is no exposure. `failing` is room to work in.
    """
    total, part = 0.0, 0.0
    for row in range(len(by_borrower)):
        total += by_borrower[row]
        failing[row] = default_day[row] >= 0
    if total == 0:
        return np.nan
    if books.totals[UNMET_CALLS]:
        for a in range(len(books.accounts)):
            account = books.accounts[a]
            if account.unmet > 0 and account.state == ACTIVE:
                failing[account.borrower] = True
    for row in range(len(by_borrower)):
        if failing[row]:
            part += by_borrower[row]
    return part / total


@inlined
def uncovered_close_out(closing: CloseOuts, i: int) -> int:
    """What is lent above the collateral and its proceeds, of one account in close-out."""
    return max(closing.lent[i] - closing.value[i], 0)


@inlined
def after_haircut(held: float, lent: float, numerator: int, denominator: int) -> float:
    """`(1-α)·C - L`, exact to the rounding of its own size; the fraction is 1-α."""
    whole, rest = fraction_of(int(held), numerator, denominator)
    return float(whole - int(lent)) + rest / denominator


@inlined
def basis_points(part: float, whole: float) -> float:
    """A part of a whole in basis points; not a number of nothing."""
    return BASIS_POINTS * part / whole if whole else np.nan
