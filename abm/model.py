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
from abm.agents.agent_lender import AgentLender, agent_lenders
from abm.agents.behaviour import STANDARD, classes_for, services_for, with_steps
from abm.books.events import EventRecorder
from abm.books.ledger import Holdings
from abm.books.loan_book import first_loans
from abm.books.sheet import new_sheet
from abm.books.standing import new_standing
from abm.day.agreements import Agreements
from abm.day.close_out_result import CloseOutResult
from abm.day.day import Day
from abm.day.kinds import day_of
from abm.day.revision import Revision
from abm.measures.balance import NONE_KEPT, measure_sheets
from abm.measures.day_collector import DayCollector
from abm.measures.earnings import Earnings
from abm.measures.exposures import Exposures
from abm.measures.measure import Measure, own_measures
from abm.measures.moments import NO_CLOSE_OUTS, close_outs
from abm.measures.recorder import Recorder
from abm.measures.standard import MEASURES
from abm.measures.summary import sum_up
from abm.opening.arguments import check_arguments
from abm.opening.build import draw_blueprint
from abm.opening.outside import Outside
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
            `RunSeed(N, network_id, path_id)`, by the columns of its table `runs`. Mesa's `random`
            and `rng` of model and agents are drawn from the run's behaviour stream.
        prices: a price panel to use instead of the scenario's.
        events: whether to record every single event.
        behaviours: classes by role or name, `oracle` or `clearing_house`, for the standard ones.
        measures: measures of one's own, beside those that the scenario names.
        changes: fields of the scenario to replace, by dotted names: `**{"agreement.haircut": 0.1}`;
            they mean what they mean after `--set` and as factors.

    Raises:
        InputError: the scenario cannot be simulated; the message says why.
    """

    # Hides a property of Mesa 3.5 and later, which takes scenarios of Mesa's own only.
    scenario: Scenario = None  # type: ignore[assignment]
    """What is simulated."""

    _released = False

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
            self.kinds = classes_for(self.scenario, blueprint.population, behaviours or {})
            oracle, clearing_house = services_for(self.scenario, behaviours or {})
            self._own_measures = own_measures((*self.scenario.measures, *measures), MEASURES)
        self.measures = (*MEASURES, *self._own_measures) if self._own_measures else MEASURES
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
        self.first_loan = first_loans(self.books.loans, len(self.books.accounts))
        self.path = blueprint.prices
        """Prices before the impact of any sale, in money units, shape (days, tokens)."""
        self.impact = MarketImpact(self.scenario.close_out.impact, blueprint.sensitivity)
        self.standing = new_standing(blueprint.equity, blueprint.insured)
        self._agent = blueprint.agent
        self._outside = Outside(self.scenario, self.population, streams, len(self.days))
        self.policies = blueprint.policies
        shape = len(self.standing.equity), len(self.tokens), int(self.assets.settlement_days.max())
        self.sheet = new_sheet(*shape, self.policies) if self.policies else None
        """Balance sheets of all participants, if the scenario has any."""
        self.day = 0
        self.running: bool = True
        self.closed_out = CloseOutResult()
        self.exposures = Exposures(len(self.population.names))
        self.earnings = Earnings.of_market(self, blueprint.fee, blueprint.agent)
        self._closing_before = NO_CLOSE_OUTS
        self.final: Snapshot | None = None
        self.oracle = oracle(self, self.scenario.oracle)
        self.clearing_house = clearing_house(self)
        if not set(self.kinds) <= set(STANDARD.values()):
            _ = self.participants  # what those of one's own do at once comes before the first day
        self.phases: Day = day_of(self.scenario)(self)
        terms = partial(terms_row, tokens=self.tokens, cash=blueprint.cash, unit=self.unit)
        self.agreements = Agreements(self, revision, terms, blueprint.schedules)
        own = with_steps(self.scenario, self.kinds)
        some = [agent for agent in self.participants.values() if type(agent) in own] if own else []
        self.stepping = AgentSet(some, random=self.random)
        self._recorder = Recorder(self.books, self.standing.default_day, self.unit)
        self.datacollector = DayCollector(self.measures, len(self.days))
        self._open_loans(blueprint.posted)

    def step(self) -> None:
        """One day. Nothing happens after the last day of the window."""
        if not self.running or self._advance(self.day + 1):
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
        self.phases.recall(self._outside.recalled(self.day, self.books.loans))
        self.agreements.weigh_calls()
        self.phases.call_and_return()
        self.phases.deliver()
        self._end_day()

    def _end_day(self) -> None:
        self.closed_out = self.phases.close_out(self._outside.defaulting(self.day))
        self._record(self.phases.check())
        self.running = self.day < len(self.days) - 1

    def run(self) -> CollateralMarket:
        """Simulate all days that are left, then settle what matures at the end of the window."""
        self.run_days()
        if self.final is None:
            self.conclude()
        return self

    def run_days(self) -> None:
        """Simulate all days that are left."""
        stepped = type(self).step is not CollateralMarket.step
        while self.running:
            number = 0 if stepped else self._advance(len(self.days) - 1)
            if number:
                self.steps += number
            else:
                self.step()

    def _advance(self, last: int) -> int:
        """Simulate days up to `last` in compiled code, as far as nobody need be asked; how many."""
        first, last = self.day, min(last, self._quiet_until())
        stretch = self.phases.run_days(last) if last > first else None
        if stretch is None:
            return 0
        self.day = stretch.reached.day
        for _ in range(first, self.day):
            self.impact.next_day()
        self.oracle.prices = self.path[self.day]
        written = stretch.days(first)
        self.datacollector.add(written.measures, NONE_KEPT)
        self.exposures.add(first + 1, written.by_borrower * self.unit)
        self._closing_before, self.closed_out = NO_CLOSE_OUTS, CloseOutResult()
        if stretch.is_short:
            self.phases.deliver()
        if not stretch.is_finished:
            self._end_day()
        self.running = self.day < len(self.days) - 1
        return self.day - first

    def _quiet_until(self) -> int:
        """The last day before one on which something comes from outside; today, if always."""
        own = self._own_measures or self.datacollector.asks or self.scenario.rules
        every_day = own or self.earnings or len(self.stepping) or not self.oracle.is_plain
        until = min(self._outside.quiet_until(self.day), self.agreements.quiet_until())
        return self.day if every_day else until

    def conclude(self) -> None:
        """Settle the loans that end with the window, and redeem tokens nobody needs any more.

        The tables `loans` and `participants` keep showing the last day.
        """
        self.final = Snapshot.of(self)
        self.day += 1
        self.books.totals[:] = 0
        self.phases.conclude()
        self.phases.check()

    @cached_property
    def participants(self) -> dict[str, Participant]:
        """The agents that lend and borrow, by name; made when somebody looks."""
        return {
            name: kind(self, name, row)
            for row, (name, kind) in enumerate(zip(self.population.names, self.kinds, strict=True))
        }

    @cached_property
    def agent_lenders(self) -> dict[str, AgentLender]:
        """Those who lend for others in a book, by name."""
        return agent_lenders(self, self._agent)

    @cached_property
    def custodian(self) -> Custodian:
        """The custodian, the last of the agents."""
        _ = self.participants, self.agent_lenders
        return Custodian(self, self.phases.mint, self.phases.burn)

    @property
    def agents(self) -> AgentSet:
        """All agents of the market."""
        _ = self._released or self.custodian
        return super().agents

    @property
    def agent_types(self) -> list[type]:
        """The classes of all agents."""
        _ = self.custodian
        return super().agent_types

    @property
    def agents_by_type(self) -> dict[type[mesa.Agent], AgentSet]:
        """All agents of the market, by class."""
        _ = self.custodian
        return super().agents_by_type

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

    @property
    def today(self) -> dict[str, float]:
        """The measures of the newest day, by name."""
        return self.datacollector.today

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
        self._released = True
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
        some = self.later_loans.on(self.day)
        if some.stop > some.start:
            posted = self.later_loans.posted(some, self.books, self.prices)
            self.phases.open_loans(self.later_loans.columns.rows[some], posted)

    def _record(self, held: Holdings) -> None:
        """Measure the day and collect it."""
        closing = close_outs(self.books, self.prices, self.phases.closing)
        written, by_borrower = self._recorder.day(self.prices, held, self._closing_before, closing)
        if self.day:
            self.exposures.add(self.day, by_borrower * self.unit)
        others = {**self.closed_out.told(self.unit), "gas": float(self.phases.gas_today())}
        others |= measure_sheets(self.sheet, self.standing, self.books, self.unit)
        if self.earnings is not None:
            self.earnings.accrue(self.books, self.day, self.prices, self.sheet)
        for own in self._own_measures:
            assert own.of is not None
            others[own.name] = own.of(self)
        self.datacollector.add(written, others)
        self.datacollector.collect(self)
