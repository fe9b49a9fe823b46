"""A scenario: everything that a simulation is told, from a TOML file or from Python."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from scenarios.agreement import CollateralAgreement
from scenarios.assets import AssetClass, check_classes
from scenarios.balance import BalanceSheet
from scenarios.book import Book, refuse_misfits
from scenarios.changes import refuse_inert, replaced_terms
from scenarios.checking import checked
from scenarios.costs import Costs
from scenarios.dividends import Dividends
from scenarios.errors import InputError, named, nearest
from scenarios.fees import Fees
from scenarios.loans import GivenLoan, Loan, Recalls
from scenarios.network import AnyTopology, Complete
from scenarios.notebook import html_table
from scenarios.own import Own
from scenarios.participants import Participants, Positive
from scenarios.prices import AnyPriceSource, Window
from scenarios.prices.calendars import Calendar
from scenarios.schedules import Schedule, check_schedules
from scenarios.stress import CloseOut, Defaults, OracleFaults
from scenarios.table import Table

LIBRARY = Path(__file__).parent / "library"
"""Where the bundled scenarios are."""


class Money(Table):
    """The currency, and its smallest unit, in which all values are whole numbers."""

    currency: Annotated[str, Field(min_length=1)] = "USD"
    """Also the name of the cash token. All prices are in it, those of files after
    their conversion at exchange rates."""
    unit: Positive = 0.01
    """Smallest unit, in money: 0.01 for cents, 1 for yen. A cash token is worth one, so wherever
    tokens are counted, 100 of them make a dollar with a unit of 0.01."""


class WindowSpec(Table):
    """The days of the simulation: from `start` to the day before `end`."""

    start: date
    end: date
    """The day after the last one."""
    calendar: Calendar = "causal"
    """`paper`: all days, one without trading takes the next close (looks ahead). `causal`: all
    days, it keeps the previous close. `sessions`: trading days only."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"end ({self.end}) must lie after start ({self.start})")
        return self


class Scenario(Table):
    """One world to simulate.

    The loans are either `loans`, one by one, or `loan` repeated over the edges of `network`, or a
    `book` drawn from targets.
    """

    name: str = "unnamed"
    """What messages and results call it; a file's own name if not given."""
    title: str = ""
    """What it shows, in one line."""
    money: Money = Money()
    """Currency and smallest unit."""
    window: WindowSpec
    """The days."""
    prices: AnyPriceSource
    """Where prices come from."""
    assets: dict[str, AssetClass] = Field(default_factory=dict)
    """Classes of assets by name, and what holds for the tokens of each."""
    agreement: CollateralAgreement = CollateralAgreement()
    """Terms of the collateral."""
    agreements: dict[str, CollateralAgreement] = Field(default_factory=dict)
    """Further agreements by name, for loans that do not use `agreement`."""
    schedules: dict[str, Schedule] = Field(default_factory=dict)
    """Schedules of eligible collateral by name, which agreements name."""
    loan: Loan | None = None
    """The loan on every edge of the network."""
    loans: tuple[GivenLoan, ...] = ()
    """Loans one by one, instead of `loan` and `network`."""
    book: Book | None = None
    """A book of loans drawn from a file of targets, instead of `loan` and `network`."""
    fees: Fees | None = None
    """What loans of securities cost and earn; not counted if not given."""
    dividends: Dividends | None = None
    """What tokens pay to who holds them on record dates; nothing if not given."""
    costs: Costs | None = None
    """Prices of calls, transfers, mints, gas, collateral, defaults and capital, which are applied
    to results; none if not given."""
    participants: Participants = Participants()
    """Who takes part, and with what means."""
    balance: dict[str, BalanceSheet] = Field(default_factory=dict)
    """Balance sheets by role (lender, borrower, dealer) or by participant. None are kept without
    it; with it everybody has one, those not named with nothing set."""
    network: AnyTopology = Complete()
    """Who lends to whom."""
    recalls: Recalls = Recalls()
    """How open-ended loans are recalled."""
    defaults: Defaults = Defaults()
    """Defaults from outside the market."""
    close_out: CloseOut = CloseOut()
    """How the loans of a defaulter are ended."""
    oracle: OracleFaults = OracleFaults()
    """Faults of the published prices."""
    rules: tuple[Own, ...] = ()
    """Rules of one's own that rewrite terms of agreements day by day."""
    measures: tuple[str, ...] = ()
    """Measures of one's own, as `module:name`; each becomes a column of days and of runs."""
    ledger: Literal["columns", "evm"] = "columns"
    """Where balances are kept: in columns, or by contracts on an Ethereum machine in the process,
    which is slower by orders of magnitude and does not support every term."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.loan is not None) + bool(self.loans) + (self.book is not None) != 1:
            raise ValueError(
                "give either [loan], for every edge of the network, or [[loans]], or a [book]"
            )
        if self.book is not None:
            self._check_book(self.book)
        if self.fees is not None and self.fees.agent_share and self.book is None:
            raise ValueError("fees.agent_share: only lenders of a [book] have agents")
        if self.fees is not None and self.ledger == "evm":
            raise ValueError('fees: the contracts know none; use ledger = "columns"')
        if self.dividends is not None:
            self.dividends.refuse_misfits(self.assets, counted=self.fees is not None)
        if self.costs is not None:
            self.costs.refuse_unmeasured(self.measures)
        check_classes(self.assets, self.money.currency)
        agreements = {"agreement": self.agreement}
        agreements |= {f"agreements.{name}": each for name, each in self.agreements.items()}
        named_there = {name: each.schedule for name, each in agreements.items() if each.schedule}
        check_schedules(self.schedules, named_there)
        for name, kind in self.assets.items():
            if kind.haircut is not None and not self.schedules:
                raise ValueError(f"assets.{name}.haircut: only schedules read it, there are none")
        # A frozen table: this completes it, before anybody sees it.
        prices = self.prices.with_classes(self.assets, self.money.currency)
        self.__dict__["prices"] = prices
        ids = [loan.loan_id for loan in self.loans]
        if len(set(ids)) < len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise ValueError(f"loans: loan_id {twice} appears twice")
        for loan in self.loans:
            if loan.agreement is not None and loan.agreement not in self.agreements:
                known = ", ".join(self.agreements) or "none"
                near = nearest(loan.agreement, self.agreements)
                raise ValueError(
                    f"loans: loan {loan.loan_id}: no agreement {loan.agreement}{near}"
                    f" (known: {known})"
                )
        return self

    def _check_book(self, book: Book) -> None:
        """See that what a book names is there, and that nothing beside it has no effect."""
        people, recalls = self.participants.model_fields_set, self.recalls
        recalled = bool(recalls.daily_rate or recalls.scheduled)
        refuse_misfits(book, frozenset(self.model_fields_set), frozenset(people), recalled)
        if self.ledger == "evm":
            raise ValueError('book: loans of a book begin on many days; use ledger = "columns"')
        for field in ("against_cash", "against_securities"):
            name = getattr(book, field)
            if name is not None and name not in self.agreements:
                known = ", ".join(self.agreements) or "none"
                near = nearest(name, self.agreements)
                raise ValueError(f"book.{field}: no agreement {name}{near} (known: {known})")
        cash = self.money.currency
        if cash not in (self.agreements[book.against_cash].priority or ()):
            raise ValueError(f"agreements.{book.against_cash}.priority: must name {cash}")

    @property
    def price_window(self) -> Window:
        """The window as price sources take it."""
        return Window(self.window.start, self.window.end, self.window.calendar)

    def __repr__(self) -> str:
        return f"<Scenario {self.name}: {'; '.join(filter(None, self._told().values()))}>"

    def _repr_html_(self) -> str:
        return html_table(f"Scenario {self.name}", {"title": self.title, **self._told()})

    def _told(self) -> dict[str, str]:
        """What it is made of, in a few words."""
        last = self.window.end - timedelta(days=1)
        people, terms = self.participants, self.agreement.model_dump(exclude_unset=True)
        if self.book is not None:
            loans = f"a book of {self.book.loans:,} from {self.book.targets}"
        elif self.loans or self.network.topology == "file":
            loans = f"{len(self.loans)} loans one by one" if self.loans else "loans from a file"
        else:
            numbers = {"lenders": people.lenders, "borrowers": people.borrowers}
            numbers |= {"dealers": people.dealers} if people.dealers else {}
            loans = ", ".join(f"{number:,} {role}" for role, number in numbers.items())
        return {
            "window": f"{self.window.start} to {last}, {self.window.calendar}",
            "prices": f"{getattr(self.prices, 'source', '')} prices",
            "network": f"{self.network.topology} network" if self.loan is not None else "",
            "loans": loans,
            "agreement": ", ".join(f"{name} = {value}" for name, value in terms.items()),
            "money": self.money.currency,
        }

    @classmethod
    def parse(cls, table: Mapping[str, Any], origin: str, folder: Path | None = None) -> Scenario:
        """Check a table and make it a scenario.

        Args:
            table: as a TOML file holds it.
            origin: named in every refusal.
            folder: what relative paths in it are relative to; the current one if not given.

        Raises:
            InputError: naming the first key that is wrong.
        """
        return checked(cls, table, origin, folder)

    @classmethod
    def load(cls, name: str | Path) -> Scenario:
        """Read a scenario file, or a bundled scenario by its name.

        Raises:
            InputError: no such scenario, not TOML, an experiment, or a key that is wrong.
        """
        path = find_file(name, bundled(), "scenario")
        table = read_toml(path)
        if "experiment" in table:
            raise InputError(f"{path}: is an experiment; expected a scenario")
        return cls.parse(table, str(path), path.parent)

    def with_changes(
        self, changes: Mapping[str, Any], folder: Path | None = None, origin: str | None = None
    ) -> Scenario:
        """The scenario with some fields replaced.

        An agreement's `model` also replaces the terms by which models differ (`replaced_terms`).

        Args:
            changes: by dotted names, as `agreement.haircut` (`as_changes`).
            folder: what relative paths in them are relative to; the current one if not given.
            origin: named in every refusal; the scenario's name if not given.

        Raises:
            InputError: no such field, a value that it cannot have, or one that changes nothing.
        """
        origin = origin or self.name
        table = self.model_dump(exclude_unset=True)
        for field in replaced_terms(changes):
            _drop(table, field.split("."))
        for field, value in changes.items():
            _replace(table, field.split("."), value, field)
        changed = checked(Scenario, table, origin, folder, changes)
        with named(origin):
            refuse_inert(changed, changes)
        return changed


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file; its `name`, if it gives none, is the file's.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    try:
        # Editors on Windows begin a file with a byte-order mark.
        return {"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8-sig"))}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None


def bundled() -> dict[str, Path]:
    """The bundled scenarios by name."""
    return {path.stem: path for path in sorted(LIBRARY.glob("*.toml"))}


def find_file(name: str | Path, known: Mapping[str, Path], what: str) -> Path:
    """A file given by its path or by a bundled name.

    Args:
        name: path or name.
        known: the bundled files by name.
        what: what these are.

    Raises:
        InputError: there is neither.
    """
    if not isinstance(name, str | Path):
        raise InputError(
            f"expected a file or the name of a bundled {what} (it is a {type(name).__name__})"
        )
    path = Path(name)
    if path.is_file():
        return path
    if str(name) in known:
        return known[str(name)]
    beside = [str(other) for other in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    raise InputError(
        f"{name}: no such file, and no {what} bundled under that name"
        f"{nearest(name, [*known, *beside])}; `collateral scenarios` lists them"
    )


def _drop(table: dict[str, Any], path: list[str]) -> None:
    """Leave out a nested key, if it is there."""
    *outer, last = path
    for key in outer:
        inner = table.get(key)
        if not isinstance(inner, dict):
            return
        table = inner
    table.pop(last, None)


def _replace(table: dict[str, Any], path: list[str], value: Any, field: str) -> None:
    """Set a nested key, making the tables on the way to it."""
    *outer, last = path
    for key in outer:
        inner = table.get(key)
        if inner is None:
            inner = table[key] = {}
        if not isinstance(inner, dict):
            raise InputError(f"{field}: {key} is not a table of fields")
        table = inner
    table[last] = value
