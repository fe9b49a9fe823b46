"""The market: a Mesa model whose step is one day of margining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
import numpy.typing as npt
import pandas as pd
from mesa.agent import AgentSet

from abm.agents import Custodian, Participant
from abm.agents.behaviour import classes_for, services_for
from abm.books.events import EventRecorder
from abm.books.ledger import Holdings
from abm.books.loan_book import OPEN_LOAN
from abm.books.sheet import new_sheet
from abm.books.standing import CAUSES, new_standing
from abm.day.agreements import Agreements
from abm.day.close_out import CloseOutResult
from abm.day.day import Day
from abm.day.kinds import day_of
from abm.day.revision import Revision
from abm.measures.balance import measure_sheets
from abm.measures.day_collector import DayCollector
from abm.measures.earnings import Earnings
from abm.measures.exposures import Exposures
from abm.measures.measure import Measure, own_measures
from abm.measures.moments import NO_CLOSE_OUTS, close_outs, morning, wrong_way_share
from abm.measures.standard import MEASURES
from abm.measures.statistics import measure
from abm.measures.summary import sum_up
from abm.opening.arguments import check_arguments
from abm.opening.build import draw_blueprint
from abm.opening.streams import RunSeed, Streams
from abm.opening.terms import terms_row
from abm.rules.price_impact import MarketImpact
from abm.rules.rule import Rule
from abm.tables import frames, notebook
from abm.tables.snapshot import Snapshot
from scenarios.errors import InputError, named
from scenarios.fields import as_changes
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    import networkx as nx

Ints = npt.NDArray[np.int64]


class CollateralMarket(mesa.Model):
    """A market of collateralised loans on a token ledger, one step a day.

    All state is in `books`, in columns; agents are handles on rows of it.

    Args:
        scenario: what to simulate: a `Scenario`, the path of a scenario file, or the name of a
            bundled one.
        rng: seed of the run; the same scenario and seed give the same results to the last bit, and
            those of `collateral run SCENARIO --seed N`. Another run of an experiment is
            `RunSeed(N, network_id, path_id)`, by the columns of its table `runs`; of replications,
            where both are the replication, also
            `numpy.random.SeedSequence(N, spawn_key=(replication_id,))`. Mesa's `random` and `rng`
            of model and agents are drawn from the run's behaviour stream.
        prices: a price panel to use instead of the scenario's.
        events: whether to record every single event.
        behaviours: classes of participants by role or name, of the `oracle` or the
            `clearing_house`, in place of the standard ones.
        measures: measures of one's own, beside those that the scenario names.
        changes: fields of the scenario to replace, by dotted names: `**{"agreement.haircut": 0.1}`;
            they mean what they mean after `--set` and as factors.

    Raises:
        InputError: the scenario cannot be simulated; the message says why.
    """

    # Hides a property of Mesa 3.5 and later, which takes scenarios of Mesa's own only.
    scenario: Scenario = None  # type: ignore[assignment]
    """What is simulated."""

    def __init__(
        self,
        scenario: Scenario | str | Path,
        *,
        rng: int | np.random.SeedSequence | RunSeed | None = None,
        prices: PricePanel | None = None,
        events: bool = False,
        behaviours: Mapping[str, type[Participant]] | None = None,
        measures: Sequence[str | Measure] = (),
        **changes: Any,
    ):
        check_arguments(scenario, prices, events, measures)
        streams = Streams.spawn(rng)
        super().__init__(rng=int(streams.behaviour.integers(2**63)))
        self.streams = streams
        if not isinstance(scenario, Scenario):
            scenario = Scenario.load(scenario)
        self.scenario = scenario.with_changes(as_changes(changes)) if changes else scenario
        with named(self.scenario.name):
            rules = [rule.make("rules", Rule) for rule in self.scenario.rules]
            revision = Revision(
                rules, (self.scenario.agreement, *self.scenario.agreements.values())
            )
            blueprint = draw_blueprint(self.scenario, self.streams, prices, revision)
            kinds = classes_for(self.scenario, blueprint.population, behaviours or {})
            oracle, clearing_house = services_for(self.scenario, behaviours or {})
            self._own_measures = own_measures((*self.scenario.measures, *measures), MEASURES)
        self.measures = (*MEASURES, *self._own_measures)
        self.tokens, self.days = blueprint.tokens, blueprint.days
        self.assets = blueprint.assets
        self.unit = self.scenario.money.unit
        self.population = blueprint.population
        self.ledger = blueprint.ledger
        self.at_maturity = blueprint.at_maturity
        self.later_loans = blueprint.later
        self.lent_moves = blueprint.lent_moves
        self.events = EventRecorder(events, len(self.tokens))
        self.books = blueprint.books._replace(log=self.events.buffer, logged=self.events.logged)
        self.first_loan = self._first_loans()
        self.path = blueprint.prices
        """Prices before the impact of any sale, in money units, shape (days, tokens)."""
        self.impact = MarketImpact(self.scenario.close_out.impact, blueprint.sensitivity)
        self.standing = new_standing(blueprint.equity)
        self.policies = blueprint.policies
        longest = int(self.assets.settlement_days.max())
        self.sheet = (
            new_sheet(len(self.population.names), len(self.tokens), longest)
            if self.policies
            else None
        )
        """Balance sheets of all participants, if the scenario has any."""
        self._scheduled_defaults = [
            (default.day, self.population.row(default.participant))
            for default in self.scenario.defaults.scheduled
        ]
        self.day = 0
        self.running: bool = True
        self.closed_out = CloseOutResult()
        self.exposures = Exposures(len(self.population.names))
        self.earnings = Earnings.of_market(self, blueprint.fee, blueprint.agent)
        self._closing_before = NO_CLOSE_OUTS
        self.final: Snapshot | None = None

        self.oracle = oracle(self, self.scenario.oracle)
        self.clearing_house = clearing_house(self)
        self.participants = {
            name: kind(self, name, row)
            for row, (name, kind) in enumerate(zip(self.population.names, kinds, strict=True))
        }
        self.phases: Day = day_of(self.scenario)(self)
        self.agreements = Agreements(
            self,
            revision,
            partial(terms_row, tokens=self.tokens, cash=blueprint.cash, unit=self.unit),
        )
        self.custodian = Custodian(self, self.phases.mint, self.phases.burn)
        self.stepping = self._with_steps()
        self.datacollector = DayCollector(self.measures, len(self.days))
        self._open_loans(blueprint.posted)

    def step(self) -> None:
        """One day. Nothing happens after the last day of the window."""
        if not self.running:
            return
        self.day += 1
        self.books.totals[:] = 0
        self.impact.next_day()
        self.stepping.do("step")
        self.phases.trade()
        self.oracle.publish()
        self.agreements.revise()
        self.phases.mark()
        self.phases.measure_before()
        self._closing_before = close_outs(self.books, self.prices, self.phases.closing)
        self.phases.receive_minted()
        self._begin_loans()
        self.phases.settle()
        self.phases.recall(self._recalled_today())
        self.agreements.weigh_calls()
        self.phases.call_and_return()
        self.phases.deliver()
        self.closed_out = self.phases.close_out(self._defaulting_today())
        self._record(self.phases.check())
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
        self.final = Snapshot.of(self)
        self.day += 1
        self.books.totals[:] = 0
        self.phases.conclude()
        self.phases.check()

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

    @property
    def network(self) -> nx.MultiDiGraph:
        """The live market as a graph: an edge a loan, from lender to borrower, and their state."""
        return frames.network_view(self)

    @cached_property
    def grid(self) -> mesa.space.NetworkGrid:
        """Participants on the network of who can lend to whom, for Mesa's space components."""
        return frames.grid(self)

    def days_frame(self) -> pd.DataFrame:
        """Statistics of each day so far; `measures` describe the columns."""
        return frames.days_frame(self)

    def summary(self) -> dict[str, float]:
        """Statistics over the days so far, as `abm.measures.summary` makes them."""
        return sum_up(self.datacollector.values, self.measures)

    def events_frame(self, since: int = 0) -> pd.DataFrame:
        """Events from a day on; empty unless they are recorded."""
        return frames.events_frame(self, since)

    def loans_frame(self) -> pd.DataFrame:
        """Every loan, today or on the last day of the window."""
        return frames.loans_frame(self)

    def participants_frame(self) -> pd.DataFrame:
        """Every participant, today or on the last day of the window."""
        return frames.participants_frame(self)

    def exposures_frame(self) -> pd.DataFrame:
        """Uncollateralised exposure to every borrower, day by day."""
        return frames.exposures_frame(self)

    def __repr__(self) -> str:
        return notebook.line(self, self.scenario.name)

    def _repr_html_(self) -> str:
        return notebook.html(self, self.scenario.name)

    def __copy__(self) -> CollateralMarket:
        """A market of its own, as `copy.deepcopy` makes it: one that shared books would be none."""
        return deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        """All of it, for copies and pickles, which go on as this one does.

        Raises:
            InputError: the ledger is on a machine of its own, which cannot be copied.
        """
        if self.scenario.ledger == "evm":
            raise InputError(
                f'{self.scenario.name}: a market with ledger = "evm" cannot be copied or pickled;'
                " build it again with the same seed"
            )
        return self.__dict__

    def release(self) -> None:
        """Let go of the agents, of which Mesa before 3.4.2 keeps count for ever."""
        self.remove_all_agents()
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    def _open_loans(self, posted: Ints) -> None:
        """Day 0: publish, open the loans that begin on it, record."""
        self.oracle.publish()
        rows = self.later_loans.first
        self.phases.open_loans(rows, posted if len(rows) == len(posted) else posted[rows])
        self._record(self.phases.check())

    def _begin_loans(self) -> None:
        """Open the loans that begin today."""
        rows = self.later_loans.on(self.day)
        if len(rows):
            posted = self.later_loans.posted(rows, self.books, self.prices)
            self.phases.open_loans(rows, posted)

    def _with_steps(self) -> AgentSet:
        """Participants whose class has a `step` of its own, in the order of their names.

        Raises:
            InputError: there are some, and the ledger is one on which contracts decide.
        """
        some = [
            agent
            for agent in self.participants.values()
            if type(agent).step is not Participant.step
        ]
        if some and self.scenario.ledger == "evm":
            raise InputError(
                f'{self.scenario.name}: {type(some[0]).__name__}.step: on ledger = "evm" the'
                " contracts decide"
            )
        return AgentSet(some, random=self.random)

    def _first_loans(self) -> Ints:
        """Identifier of the first loan of each margin account."""
        first = np.full(len(self.books.accounts.lender), np.iinfo(np.int64).max)
        np.minimum.at(first, self.books.loans.account, self.books.loans.loan_id)
        return first

    def _recalled_today(self) -> npt.NDArray[np.bool_]:
        """Loans that the scenario recalls today, on schedule or at the daily rate."""
        recalls, loans = self.scenario.recalls, self.books.loans
        chosen = np.zeros(len(loans) if recalls.daily_rate or recalls.scheduled else 0, np.bool_)
        if not len(chosen):
            return chosen
        if recalls.daily_rate:
            # One draw a loan and day, open or not, so that policies see the same recalls.
            chosen = self.streams.recalls.random(len(chosen)) < recalls.daily_rate
        today = [loan_id for day, loan_id in recalls.scheduled if day == self.day]
        chosen |= np.isin(loans.loan_id, today)
        return chosen & (loans.state == OPEN_LOAN)

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
        before = morning(self.books, self._closing_before)
        closing = close_outs(self.books, self.prices, self.phases.closing)
        row = measure(self.books, held, self.prices, self.unit, before, closing)
        row["wrong_way_share"] = wrong_way_share(self.books, before.by_borrower, self.standing)
        if self.day:
            self.exposures.add(self.day, before.by_borrower * self.unit)
        done = self.closed_out
        for name in OF_CLOSE_OUTS:
            row[name] = getattr(done, name) * self.unit
        for cause, number in zip(CAUSES, done.defaults, strict=True):
            row[f"defaults_{cause}"] = number
        row["gas"] = self.phases.gas_today()
        row |= measure_sheets(self.sheet, self.standing, self.unit)
        if self.earnings is not None:
            self.earnings.accrue(self.books, self.day, self.prices)
        for own in self._own_measures:
            assert own.of is not None
            row[own.name] = own.of(self)
        self.today = row
        self.datacollector.collect(self)


OF_CLOSE_OUTS = (
    "exposure_at_default",
    "liquidated_value",
    "residual_claims",
    "close_out_recovery",
    "close_out_loss",
    "close_out_surplus",
)
"""Measures of money that the close-outs of a day tell."""
