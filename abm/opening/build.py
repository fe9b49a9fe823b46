"""From a scenario to the books of a market on its first day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.books import VALUED_TOGETHER, Books
from abm.books.ledger import LARGEST_VALUE, UNLIMITED, Ledger
from abm.books.loan_book import AT_MATURITY, NEVER, new_accounts, new_loans
from abm.books.population import Population
from abm.books.tally import COUNTED, new_log
from abm.books.terms import Terms, Tokens
from abm.opening.loan_table import LoanTable, Sizes, draw_loans, size_loans
from abm.opening.population import draw_sizes
from abm.opening.stress_check import check_stress
from abm.opening.terms import terms_of
from scenarios.errors import InputError, named, refuse_unpriced
from scenarios.prices import PricePanel
from scenarios.prices.calendars import on_calendar
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """One source of randomness for each purpose, so that changing one leaves the others alone."""

    prices: np.random.Generator
    network: np.random.Generator
    behaviour: np.random.Generator
    shocks: np.random.Generator
    recalls: np.random.Generator

    @classmethod
    def spawn(cls, seed: int | np.random.SeedSequence | None) -> Streams:
        """The streams of a run with this seed."""
        if isinstance(seed, np.random.SeedSequence):
            # A copy: spawning changes a sequence, and the next run must get the same children.
            sequence = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
        else:
            sequence = np.random.SeedSequence(seed)
        return cls(*(np.random.default_rng(child) for child in sequence.spawn(5)))


@dataclass(frozen=True)
class Blueprint:
    """A market before its first day: what stays as it is, and the books to begin with."""

    tokens: tuple[str, ...]
    cash: str
    days: pd.DatetimeIndex
    prices: Ints
    """True prices in money units, shape (days, tokens)."""
    population: Population
    ledger: Ledger
    books: Books
    posted: Ints
    """What secures each loan at the start, shape (loans, tokens)."""
    at_maturity: Ints
    """For each loan 0 to settle, 1 to roll, 2 to replace it."""
    lent_moves: bool
    """Whether anything but cash is lent, so that exposures change with prices."""
    equity: npt.NDArray[np.float64]
    """What each participant can lose before it defaults, in money units; infinite if no matter."""


def draw_blueprint(
    scenario: Scenario, streams: Streams, panel: PricePanel | None = None
) -> Blueprint:
    """Draw prices and network, size the loans, and set up empty books for them.

    Args:
        scenario: what to build.
        streams: the run's randomness.
        panel: prices to use instead of the scenario's own.

    Raises:
        InputError: a part of the scenario does not fit the others, or a value could overflow.
    """
    window = scenario.window
    panel = scenario.prices.panel(scenario.price_window, streams.prices) if panel is None else panel
    panel = on_calendar(panel, window.start, window.end, window.calendar)
    if len(panel.dates) < 2:
        raise InputError("window: a simulation needs two days at least")
    cash, unit = scenario.money.currency, scenario.money.unit
    if cash in panel.tokens:
        raise InputError(f"money.currency: {cash} is also the name of a priced token")
    tokens = (*panel.tokens, cash)
    prices = np.column_stack([panel.in_units(unit), np.ones(len(panel.dates), np.int64)])
    population, table = draw_loans(scenario, streams.network)
    terms, priority = terms_of(table.agreements, tokens, cash, unit)
    sizes = size_loans(table, tokens, cash, prices[0], unit)
    _refuse_overflow(table, sizes, terms, prices)
    books, ledger = _books(
        scenario, table, sizes, terms, priority, population, tokens, len(panel.dates)
    )
    check_stress(scenario, population, books.loans, panel.tokens, len(panel.dates) - 1)
    modes = [AT_MATURITY.index(kind.at_maturity) for kind in table.kinds]
    _fund(scenario, population, ledger, books, sizes, streams.network)
    _refuse_overflow_in_sum(ledger, sizes, prices)
    return Blueprint(
        tokens=tokens,
        cash=cash,
        days=panel.dates,
        prices=prices,
        population=population,
        ledger=ledger,
        books=books,
        posted=sizes.posted,
        at_maturity=np.array(modes, np.int64)[table.terms],
        lent_moves=bool(sizes.lent[:, :-1].any()),
        equity=_equity(scenario, population, table, sizes, prices[0]),
    )


def _books(
    scenario: Scenario,
    table: LoanTable,
    sizes: Sizes,
    terms: Terms,
    priority: Tokens,
    population: Population,
    tokens: tuple[str, ...],
    days: int,
) -> tuple[Books, Ledger]:
    """Margin accounts for the loans, and an empty ledger."""
    number = len(table.loan_id)
    key = np.arange(number)
    aggregated = np.array([agreement.aggregated for agreement in table.agreements])
    together = np.flatnonzero(aggregated[table.agreement])
    if len(together):
        pairs = np.column_stack([table.lender, table.borrower, table.agreement])[together]
        _, first, group = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        key[together] = together[first[group.ravel()]]
    carriers, account = np.unique(key, return_inverse=True)
    longest_lag = int(terms.lag.max())
    participants = len(population.names)
    accounts = new_accounts(
        table.lender[carriers], table.borrower[carriers], table.agreement[carriers]
    )
    loans = new_loans(number)
    loans.loan_id[:] = table.loan_id
    loans.account[:] = account
    terms_days = [kind.maturity or days for kind in table.kinds]
    loans.term[:] = np.array(terms_days, np.int64)[table.terms]
    open_ended = np.array([kind.open_ended for kind in table.kinds])[table.terms]
    loans.maturity[:] = np.where(open_ended, NEVER, loans.term)
    ledger = Ledger(
        tokens, participants, len(carriers), longest_lag, scenario.participants.minting_days
    )
    reuse = bool(terms.reuse.any())
    by_lender = np.argsort(accounts.lender, kind="stable") if reuse else np.zeros(0, np.int64)
    rows = np.arange(participants + 1 if reuse else 0)
    books = Books(
        ledger=ledger.arrays,
        loans=loans,
        lent=sizes.lent,
        accounts=accounts,
        returning=np.zeros((longest_lag, len(carriers), len(tokens)), np.int64),
        reused=np.zeros((len(carriers) if reuse else 0, len(tokens)), np.int64),
        reusable=np.zeros((participants if reuse else 1, len(tokens)), np.int64),
        free=np.zeros((len(carriers) if reuse else 0, len(tokens)), np.int64),
        by_lender=by_lender,
        lender_start=np.searchsorted(accounts.lender[by_lender], rows),
        by_account=np.argsort(account, kind="stable").astype(np.uint32)
        if len(carriers) < number
        else np.zeros(0, np.uint32),
        terms=terms,
        priority=priority,
        requested=np.zeros((participants + 1, len(tokens)), np.int64),
        totals=np.zeros(len(COUNTED)),
        scratch=np.zeros((3, len(tokens)), np.int64),
        worth=np.zeros(VALUED_TOGETHER, np.int64),
        log=new_log(0),
        logged=np.zeros(1, np.int64),
    )
    return books, ledger


def _refuse_overflow(table: LoanTable, sizes: Sizes, terms: Terms, prices: Ints) -> None:
    """Refuse loans whose collateral could come to be worth more than the ledger can count.

    The bound: what is posted and what can be required, times the widest move of any price.
    """
    swing = (prices.max(axis=0) / prices.min(axis=0)).max()
    highest = prices.max(axis=0).astype(np.float64)
    ratio = (terms.upper_numerator / terms.upper_denominator)[table.agreement]
    value = np.maximum(sizes.posted @ highest, sizes.lent @ highest * ratio) * swing
    tokens = np.maximum(sizes.posted, sizes.lent).sum(axis=0, dtype=np.float64).max()
    row = int(value.argmax())
    if value[row] >= LARGEST_VALUE:
        raise InputError(
            f"loan {table.loan_id[row]}: its collateral could come to be worth"
            f" {value[row]:.3g} money units, above the limit of {LARGEST_VALUE:.3g};"
            " make the loan smaller or choose a larger money.unit"
        )
    if tokens * swing >= LARGEST_VALUE:
        raise InputError(
            f"loans: {tokens:.3g} tokens of one kind are more than the ledger can count;"
            " make the loans smaller"
        )


def _refuse_overflow_in_sum(ledger: Ledger, sizes: Sizes, prices: Ints) -> None:
    """Refuse a market whose tokens together are worth more than the statistics can count."""
    tokens = np.maximum(sizes.posted, sizes.lent).sum(axis=0, dtype=np.float64)
    tokens += ledger.wallets.sum(axis=0, dtype=np.float64)
    value = float(tokens @ prices.max(axis=0))
    if value >= LARGEST_VALUE:
        raise InputError(
            f"all loans and inventories together could come to be worth {value:.3g} money units,"
            f" above the limit of {LARGEST_VALUE:.3g}; make them smaller or choose a larger"
            " money.unit"
        )


def _fund(
    scenario: Scenario,
    population: Population,
    ledger: Ledger,
    books: Books,
    sizes: Sizes,
    rng: np.random.Generator,
) -> None:
    """Mint the prefunded inventories and set what can still be issued."""
    part = scenario.participants
    accounts, arrays = books.accounts, ledger.arrays
    borrower = accounts.borrower[books.loans.account]
    number = len(population.names)
    pledged: npt.NDArray[np.float64] = np.stack(
        [
            np.bincount(borrower, weights=column.astype(np.float64), minlength=number)
            for column in sizes.posted.T
        ],
        axis=1,
    )
    receives = np.array([role != "lender" for role in population.roles])
    inventory = _amounts(part.prefunded_inventory, pledged, ledger.tokens, "prefunded_inventory")
    spread = draw_sizes(part.inventory_spread, number, rng)
    inventory = np.floor(inventory * spread[:, None]).astype(np.int64)
    inventory[~receives] = 0
    capacity = np.full((number, len(ledger.tokens)), UNLIMITED, np.int64)
    if part.issuance_capacity != "unlimited":
        limited = _amounts(part.issuance_capacity, pledged, ledger.tokens, "issuance_capacity")
        # Cash comes from outside: what is limited is the supply of collateral.
        capacity[receives, :-1] = limited[receives, :-1]
    for row, given in population.given.items():
        if given.wallet is not None:
            inventory[row] = _counts(given.wallet, ledger.tokens, f"{given.name}.wallet")
        if given.issuance_capacity is not None:
            counts = given.issuance_capacity
            capacity[row] = _counts(counts, ledger.tokens, f"{given.name}.issuance_capacity")
            if ledger.tokens[-1] not in counts:
                capacity[row, -1] = UNLIMITED
    arrays.capacity[:number] = capacity
    for row, token in np.argwhere(inventory):
        ledger.mint(int(row), int(token), int(inventory[row, token]))


def _amounts(
    rule: float | dict[str, int],
    pledged: npt.NDArray[np.float64],
    tokens: tuple[str, ...],
    field: str,
) -> Ints:
    """Tokens by participant, from a fraction of what each pledged or from counts."""
    if isinstance(rule, dict):
        return np.tile(_counts(rule, tokens, f"participants.{field}"), (len(pledged), 1))
    return np.minimum(np.floor(pledged * rule), float(UNLIMITED)).astype(np.int64)


def _counts(counts: dict[str, int], tokens: tuple[str, ...], field: str) -> Ints:
    amounts = np.zeros(len(tokens), np.int64)
    with named(field):
        for token, quantity in counts.items():
            refuse_unpriced(token, tokens)
            amounts[tokens.index(token)] = quantity
    return amounts


def _equity(
    scenario: Scenario, population: Population, table: LoanTable, sizes: Sizes, prices: Ints
) -> npt.NDArray[np.float64]:
    """Equity of each participant in money units."""
    equity = np.full(len(population.names), np.inf)
    ratio = scenario.participants.equity_ratio
    if ratio is not None:
        value = (sizes.lent @ prices).astype(np.float64)
        lent = np.bincount(table.lender, weights=value, minlength=len(equity))
        lends = lent > 0
        equity[lends] = np.rint(lent[lends] * ratio)
    for row, given in population.given.items():
        if given.equity is not None:
            equity[row] = round(given.equity / scenario.money.unit)
    return equity
