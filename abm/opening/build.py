"""From a scenario to the books of a market on its first day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.before import new_before
from abm.books.books import VALUED_TOGETHER, Books
from abm.books.calendar import new_calendar
from abm.books.ledger import Ledger
from abm.books.loan_book import AT_MATURITY, NEVER, new_accounts, new_loans
from abm.books.population import Population
from abm.books.schedules import ScheduleBook
from abm.books.sheet import Policies
from abm.books.tally import COUNTED, new_log
from abm.books.terms import Terms, Tokens
from abm.opening.balance import at_raised_haircuts, policies_of, reinvests
from abm.opening.funding import equity_of, fund, used_by
from abm.opening.later import LaterLoans
from abm.opening.limits import Bounds
from abm.opening.liquidity import looks_back, sensitivity_of, with_own_volumes
from abm.opening.loan_table import LoanTable, draw_loans
from abm.opening.sizes import Sizes, size_loans
from abm.opening.streams import Streams
from abm.opening.stress_check import check_stress
from abm.opening.terms import terms_of
from scenarios.agreement import CollateralAgreement
from scenarios.assets import AssetColumns, asset_columns
from scenarios.errors import InputError
from scenarios.kept import shared
from scenarios.prices import PricePanel
from scenarios.prices.calendars import on_calendar
from scenarios.prices.past import Past, past_of
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]


class Revised(Protocol):
    """What rewrites agreements."""

    today: list[CollateralAgreement]
    """In the order of the scenario."""
    for_new_loans: bool
    """Whether margin accounts with open loans keep the terms with which they began."""

    def begin(self, tokens: Sequence[str], past: Past, prices: npt.NDArray[np.float64]) -> None:
        """Rewrite them by the prices of day 0, in money, shape (tokens,)."""


@dataclass(frozen=True)
class Blueprint:
    """A market before its first day: what stays as it is, and the books to begin with."""

    tokens: tuple[str, ...]
    cash: str
    unit: float
    """Smallest money unit."""
    days: pd.DatetimeIndex
    prices: Ints
    """True prices in money units, shape (days, tokens)."""
    assets: AssetColumns
    """What the scenario's classes of assets say of each token."""
    schedules: ScheduleBook
    """Writes what the schedules say, day by day, into the books."""
    sensitivity: npt.NDArray[np.float64]
    """Of prices to sales: `abm.opening.liquidity.sensitivity_of`."""
    population: Population
    ledger: Ledger
    books: Books
    posted: Ints
    """What secures each loan when it begins, at true prices, shape (loans, tokens)."""
    later: LaterLoans
    """Which of them begin in the course of the simulation."""
    at_maturity: Ints
    """For each loan 0 to settle, 1 to roll, 2 to replace it."""
    fee: npt.NDArray[np.float64] | None
    """Of each loan of a book, for a year; None without a book."""
    open_ended: npt.NDArray[np.bool_] | None
    """Which loans of a book have an open end; None without a book, or one that stands still."""
    agent: Ints | None
    """Agent of each participant of a book, -1 for none."""
    lent_moves: bool
    """Whether anything but cash is lent, so that exposures change with prices."""
    insured: npt.NDArray[np.bool_] | None
    """Whose losses are paid by an agent; None where no agent does."""
    equity: Ints
    """What each participant can lose before it defaults, in money units; `UNLIMITED` if no
    matter."""
    policies: Policies | None
    """What the scenario says of balance sheets; None where none are kept."""


def days_of(scenario: Scenario, streams: Streams) -> pd.DatetimeIndex:
    """The days that a scenario simulates, which takes no more than its prices.

    Raises:
        InputError: there are no prices for its window.
    """
    window = scenario.window
    panel = scenario.prices.panel(scenario.price_window, streams.prices)
    return on_calendar(panel, window.start, window.end, window.calendar).dates


def draw_blueprint(
    scenario: Scenario,
    streams: Streams,
    panel: PricePanel | None = None,
    revision: Revised | None = None,
) -> Blueprint:
    """Draw prices and network, size the loans, and set up empty books for them.

    Args:
        scenario: what to build.
        streams: the run's randomness.
        panel: prices to use instead of the scenario's own.
        revision: rewrites agreements as they stand on day 0; as the scenario has them without.

    Raises:
        InputError: a part of the scenario does not fit the others, or a value could overflow.
    """
    window, earlier = scenario.window, None
    if panel is None:
        panel = scenario.prices.panel(scenario.price_window, streams.prices)
        if scenario.rules or looks_back(scenario):
            earlier = scenario.prices.past(scenario.price_window)
    source = panel
    panel = on_calendar(panel, window.start, window.end, window.calendar)
    if len(panel.dates) < 2:
        raise InputError("window: a simulation needs two days at least")
    cash, unit = scenario.money.currency, scenario.money.unit
    panel.refuse_other_currency(cash)
    if cash in panel.tokens:
        raise InputError(f"money.currency: {cash} is also the name of a priced token")
    kept = shared(scenario)
    tokens = kept.get(("tokens", panel.tokens), lambda: (*panel.tokens, cash))
    assets = kept.get(("assets", tokens), partial(asset_columns, scenario.assets, tokens))
    sensitivity = sensitivity_of(scenario, source, earlier, panel.dates, tokens, assets)
    prices = np.column_stack([panel.in_units(unit), np.ones(len(panel.dates), np.int64)])
    population, table = draw_loans(scenario, streams.network, tokens, len(panel.dates) - 1)
    if revision is not None and scenario.rules:
        past = past_of(source, panel.dates, earlier)
        revision.begin(panel.tokens, past, prices[0, :-1] * unit)
        table = replace(table, agreements=tuple(revision.today))
    agreements = at_raised_haircuts(scenario, table.agreements)
    if revision is not None and revision.for_new_loans:
        _refuse_without_new_loans(table)
        agreements *= len(panel.dates)  # with room for those that rules have replaced
    if scenario.rules:  # which may write other terms in every run
        terms, priority = terms_of(agreements, tokens, cash, unit)
    else:
        make = partial(terms_of, agreements, tokens, cash, unit)
        terms, priority = kept.get(("terms", tokens), make)
        terms, priority = terms.copy(), priority.copy()

    def written() -> ScheduleBook:
        days = panel.dates.to_numpy()
        volumes = with_own_volumes(assets, source, panel.dates[0])
        given = scenario.schedules, agreements, volumes, tokens, population.names, days
        return ScheduleBook(*given)

    # One without schedules says nothing of its market, and never changes.
    says = scenario.schedules or scenario.rules
    schedules = written() if says else kept.get(("schedules", tokens), written)
    sizes = size_loans(table, tokens, cash, prices, unit, schedules)
    bounds = Bounds(scenario, tokens, table, sizes, terms, prices, sensitivity)
    bounds.refuse_loans()
    books, ledger = _books(
        scenario, table, sizes, terms, priority, population, tokens, len(panel.dates), schedules
    )
    check_stress(scenario, population, books.loans, panel.tokens, len(panel.dates) - 1)
    modes = [AT_MATURITY.index(kind.at_maturity) for kind in table.drawn.kinds]
    fund(scenario, population, ledger, table, sizes, prices, streams.network)
    bounds.refuse_together(ledger.wallets)
    policies = None
    if scenario.balance:
        used = used_by(table, sizes, len(population.names))
        policies = policies_of(scenario, population, ledger, used, prices)
    return Blueprint(
        tokens=tokens,
        cash=cash,
        unit=unit,
        days=panel.dates,
        prices=prices,
        assets=assets,
        schedules=schedules,
        sensitivity=sensitivity,
        population=population,
        ledger=ledger,
        books=books,
        posted=sizes.posted,
        later=LaterLoans(table, tokens, sizes.posted, schedules),
        at_maturity=np.array(modes, np.int64)[table.drawn.kind],
        fee=table.fee,
        open_ended=table.open_ended,
        agent=table.agent,
        insured=table.agent >= 0
        if table.agent is not None and scenario.book and scenario.book.indemnity
        else None,
        lent_moves=bool(sizes.lent[:, :-1].any()),
        equity=equity_of(
            scenario, population, table, sizes, prices, ledger.wallets[: len(population.names)]
        ),
        policies=policies,
    )


def _refuse_without_new_loans(table: LoanTable) -> None:
    """Refuse rules for new loans only where all loans are those of day 0."""
    replaced = any(kind.at_maturity == "replace" for kind in table.drawn.kinds)
    if not replaced and not (table.drawn.start > 0).any():
        raise InputError(
            "rules: for new loans only, they change nothing: all loans begin on the first day, and"
            ' none is replaced; give loans a `start`, or at_maturity = "replace"'
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
    schedules: ScheduleBook,
) -> tuple[Books, Ledger]:
    """Margin accounts for the loans, and an empty ledger."""
    number = len(table)
    key = np.arange(number)
    aggregated = np.array([agreement.aggregated for agreement in table.agreements])
    together = np.flatnonzero(aggregated[table.agreement])
    if len(together):
        pairs = np.column_stack([table.lender, table.borrower, table.agreement])[together]
        _, first, group = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        key[together] = together[first[group.ravel()]]
        carriers, account = np.unique(key, return_inverse=True)
    else:
        carriers = account = key
    longest_lag = int(terms.lag.max())
    participants = len(population.names)
    lender, borrower = table.lender[carriers], table.borrower[carriers]
    accounts = new_accounts(lender, borrower, table.agreement[carriers])
    drawn = table.drawn
    opened = drawn.start - drawn.elapsed
    tenor = np.where(drawn.term > 0, drawn.term, days - drawn.start)
    open_ended = np.array([kind.open_ended for kind in drawn.kinds])[drawn.kind]
    maturity = np.where(open_ended, NEVER, opened + tenor)
    loans = new_loans(number)
    plain = np.asarray(loans).view(np.ndarray)
    plain["loan_id"], plain["account"] = table.loan_id, account
    plain["opened"], plain["tenor"], plain["maturity"] = opened, tenor, maturity
    ledger = Ledger(
        tokens, participants, len(carriers), longest_lag, scenario.participants.minting_days
    )
    reuse = bool(terms.reuse.any()) or reinvests(scenario)
    by_lender = _reusable_accounts(lender, borrower) if reuse else np.zeros(0, np.int64)
    rows = np.arange(participants + 1 if reuse else 0)
    by_account = np.zeros(0, np.uint32)
    if len(carriers) < number:
        by_account = np.argsort(account, kind="stable").astype(np.uint32)
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
        lender_start=np.searchsorted(lender[by_lender], rows),
        by_account=by_account,
        calendar=new_calendar(maturity, by_account, days),
        terms=terms,
        priority=priority,
        schedules=schedules.arrays._replace(
            discount=np.zeros(len(carriers) if len(schedules) else 0, np.int64)
        ),
        requested=np.zeros((participants + 1, len(tokens)), np.int64),
        totals=np.zeros(len(COUNTED)),
        before=new_before(len(terms), participants),
        scratch=np.zeros((3, len(tokens)), np.int64),
        worth=np.zeros(VALUED_TOGETHER, np.int64),
        log=new_log(0),
        logged=np.zeros(1, np.int64),
    )
    return books, ledger


def _reusable_accounts(lender: Ints, borrower: Ints) -> Ints:
    """Accounts whose lender borrows, too, and so could post their collateral, by lender."""
    rows = np.argsort(lender, kind="stable")
    return rows[np.isin(lender[rows], borrower)]
