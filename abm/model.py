"""The market: a Mesa model whose step is one day of margining."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.agents import ClearingHouse, Custodian, Oracle, Participant
from abm.agents.behaviour import classes_for
from abm.books.events import EventRecorder
from abm.books.ledger import Holdings
from abm.books.loan_book import NEVER, OPEN_LOAN, PENDING
from abm.day.close_out import CloseOutDesk, CloseOutResult
from abm.measures.day_collector import DayCollector
from abm.measures.statistics import measure
from abm.opening.build import Streams, draw_blueprint
from abm.rules.price_impact import MarketImpact
from abm.tables import frames
from scenarios.errors import named
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    import networkx as nx

    from abm.chain.chain import Chain

Ints = npt.NDArray[np.int64]


class CollateralMarket(mesa.Model):
    """A market of collateralised loans on a token ledger, one step a day.

    All state is in `books`, in columns; agents are handles on rows of it.

    Args:
        scenario: what to simulate: a `Scenario`, the path of a scenario file, or the name of a
            bundled one.
        rng: seed of the run; the same scenario and seed give the same results to the last bit.
        prices: a price panel to use instead of the scenario's.
        events: whether to record every single event.
        behaviours: classes of participants by role or name, in place of the standard ones.
        changes: fields of the scenario to replace, by dotted names: `**{"agreement.haircut": 0.1}`.

    Raises:
        InputError: the scenario cannot be simulated; the message says why.
    """

    # Hides a property of Mesa 3.5 and later, which takes scenarios of Mesa's own only.
    scenario: Scenario = None  # type: ignore[assignment]
    """What is simulated."""
    chain: Chain
    """The contracts, where the scenario's ledger is on an Ethereum machine."""

    def __init__(
        self,
        scenario: Scenario | str | Path,
        *,
        rng: int | np.random.SeedSequence | None = None,
        prices: PricePanel | None = None,
        events: bool = False,
        behaviours: Mapping[str, type[Participant]] | None = None,
        **changes: Any,
    ):
        super().__init__(rng=rng if isinstance(rng, int) else 0)
        if not isinstance(scenario, Scenario):
            scenario = Scenario.load(scenario)
        self.scenario = scenario.with_changes(changes) if changes else scenario
        self.streams = Streams.spawn(rng)
        with named(self.scenario.name):
            blueprint = draw_blueprint(self.scenario, self.streams, prices)
            kinds = classes_for(self.scenario, blueprint.population, behaviours or {})
        self.tokens, self.days = blueprint.tokens, blueprint.days
        self.unit = self.scenario.money.unit
        self.population = blueprint.population
        self.ledger = blueprint.ledger
        self.at_maturity = blueprint.at_maturity
        self.lent_moves = blueprint.lent_moves
        self.events = EventRecorder(events, len(self.tokens))
        self.books = blueprint.books._replace(log=self.events.buffer, logged=self.events.logged)
        self.first_loan = self._first_loans()
        self.path = blueprint.prices
        """Prices before the impact of any sale, in money units, shape (days, tokens)."""
        self.impact = MarketImpact(self.scenario.close_out.impact, self.tokens)
        self.desk = CloseOutDesk(
            self.scenario.close_out,
            self.books,
            self.ledger,
            blueprint.equity,
            self.impact,
            self.events,
        )
        self._scheduled_defaults = [
            (default.day, self.population.row(default.participant))
            for default in self.scenario.defaults.scheduled
        ]
        self.day = 0
        self.running: bool = True
        self.closed_out = CloseOutResult()
        self.final: frames.Snapshot | None = None

        custodian, clearing_house = _services(self.scenario)
        self.custodian = custodian(self)
        self.oracle = Oracle(self, self.scenario.oracle)
        self.participants = {
            name: kind(self, name, row)
            for row, (name, kind) in enumerate(zip(self.population.names, kinds, strict=True))
        }
        self.clearing_house = clearing_house(self)
        self.datacollector = DayCollector()
        self._open_loans(blueprint.posted)

    def step(self) -> None:
        """One day. Nothing happens after the last day of the window."""
        if not self.running:
            return
        self.day += 1
        self.books.totals[:] = 0
        self.impact.next_day()
        self.oracle.publish()
        self.clearing_house.value_loans()
        self.custodian.deliver_minted()
        self.clearing_house.settle()
        self.clearing_house.recall(self.clearing_house.chosen_for_recall())
        self.clearing_house.call_and_return()
        self.clearing_house.collect_deliveries()
        self.clearing_house.close_out(self._defaulting_today())
        self._record(self.custodian.check_ledger())
        self.running = self.day < len(self.days) - 1

    def run(self) -> CollateralMarket:
        """Simulate all days that are left, then settle what matures at the end of the window."""
        while self.running:
            self.step()
        if self.final is None:
            self.conclude()
        return self

    def conclude(self) -> None:
        """Settle the loans that end with the window, and redeem tokens nobody needs any more.

        The tables `loans` and `participants` keep showing the last day.
        """
        self.final = frames.Snapshot.of(self)
        self.day += 1
        self.books.totals[:] = 0
        self.clearing_house.settle()
        before = None
        while before != (owed := (self.ledger.collateral.sum(), self.books.reused.sum())):
            # Collateral comes back along a chain of re-use one link a round.
            before = owed
            self.clearing_house.retry_releases()
        self.custodian.redeem_idle()
        self.custodian.check_ledger()

    @property
    def prices(self) -> Ints:
        """Published prices of the day, in money units, shape (tokens,)."""
        return self.oracle.prices

    @property
    def path_day(self) -> int:
        """The row of `path` that holds today's prices."""
        return min(self.day, len(self.days) - 1)

    @property
    def market_prices(self) -> Ints:
        """True prices of the day, the impact of sales included, in money units."""
        return self.impact.applied_to(self.path[self.path_day])

    @cached_property
    def borrowers(self) -> list[Participant]:
        """Participants that borrow, dealers among them, by name."""
        return [agent for agent in self.participants.values() if agent.role != "lender"]

    @cached_property
    def lenders(self) -> list[Participant]:
        """Participants that lend, dealers among them, by name."""
        return [agent for agent in self.participants.values() if agent.role != "borrower"]

    def participant_at(self, row: int) -> Participant:
        """The participant in a row of the population."""
        return self.participants[self.population.names[row]]

    @property
    def network(self) -> nx.MultiDiGraph:
        """The live market as a graph: an edge a loan, from lender to borrower, and their state."""
        return frames.network_view(self)

    @cached_property
    def grid(self) -> mesa.space.NetworkGrid:
        """Participants on the network of who can lend to whom, for Mesa's space components."""
        return frames.grid(self)

    def days_frame(self) -> pd.DataFrame:
        """Statistics of each day so far; `abm.measures.columns.DAYS` describes the columns."""
        return frames.days_frame(self)

    def summary(self) -> dict[str, float]:
        """Statistics over the days so far, as `abm.tables.frames.summarise` makes them."""
        return frames.summarise(self.days_frame())

    def events_frame(self, since: int = 0) -> pd.DataFrame:
        """Events from a day on; empty unless they are recorded."""
        return frames.events_frame(self, since)

    def loans_frame(self) -> pd.DataFrame:
        """Every loan, today or on the last day of the window."""
        return frames.loans_frame(self)

    def participants_frame(self) -> pd.DataFrame:
        """Every participant, today or on the last day of the window."""
        return frames.participants_frame(self)

    def release(self) -> None:
        """Let go of the agents, of which Mesa before 3.4.2 keeps count for ever."""
        self.remove_all_agents()
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    def update_next_maturity(self) -> None:
        """Look up the next day on which a loan is due, so that other days need no pass."""
        loans = self.books.loans
        due = loans.maturity[loans.state == OPEN_LOAN]
        pending = (loans.state == PENDING).any()
        self.next_maturity = 0 if pending else int(due.min()) if len(due) else int(NEVER)

    def _open_loans(self, posted: Ints) -> None:
        """Day 0: publish, open all loans, record."""
        self.oracle.publish()
        self.clearing_house.open_loans(posted)
        self.update_next_maturity()
        self._record(self.custodian.check_ledger())

    def _first_loans(self) -> Ints:
        """Identifier of the first loan of each margin account."""
        first = np.full(len(self.books.accounts.lender), np.iinfo(np.int64).max)
        np.minimum.at(first, self.books.loans.account, self.books.loans.loan_id)
        return first

    def _defaulting_today(self) -> Ints:
        """Participants that default from outside today."""
        scheduled = [row for day, row in self._scheduled_defaults if day == self.day]
        hazard = self.scenario.defaults.daily_hazard
        if hazard:
            # One draw a participant and day, so that policies see the same defaults.
            hit = self.streams.shocks.random(len(self.population.names)) < hazard
            borrows = np.array([role != "lender" for role in self.population.roles])
            scheduled.extend(np.flatnonzero(hit & borrows).tolist())
        return np.array(scheduled, np.int64)

    def _record(self, held: Holdings) -> None:
        """Measure the day and collect it."""
        row = measure(self.books, held, self.market_prices, self.unit)
        done = self.closed_out
        for name in ("exposure_at_default", "liquidated_value", "close_out_loss"):
            row[name] = getattr(done, name) * self.unit
        row["close_out_surplus"] = done.close_out_surplus * self.unit
        for cause, number in zip(
            ("exogenous", "liquidity", "contagion"), done.defaults, strict=True
        ):
            row[f"defaults_{cause}"] = number
        row["gas"] = self.custodian.gas_today()
        self.today = row
        self.datacollector.collect(self)


def _services(scenario: Scenario) -> tuple[type[Custodian], type[ClearingHouse]]:
    """The classes that keep the ledger of a scenario."""
    if scenario.ledger == "columns":
        return Custodian, ClearingHouse
    from abm.chain import require

    require()
    from abm.chain.clearing_house import ChainClearingHouse, ChainCustodian

    return ChainCustodian, ChainClearingHouse
