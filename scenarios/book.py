"""A book of loans drawn from a file of targets."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scenarios.checking import checked
from scenarios.errors import InputError, nearest
from scenarios.participants import Number
from scenarios.table import Table

BOOKS = Path(__file__).parent / "library" / "books"
"""Where the bundled files of targets are."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Source = Annotated[str, Field(min_length=1)]


class ShareTarget(Table):
    """A share to draw, and where the number is from."""

    value: Fraction
    source: Source


class SizeTarget(Table):
    """A number above zero, and where it is from."""

    value: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    source: Source


class TermTarget(Table):
    """Loans with a term of so many days."""

    days: Annotated[int, Field(ge=1, le=10_000)]
    """From the beginning to the settlement, in days of the simulation."""
    value: Fraction
    """Their share of what is on loan."""
    source: Source


class FeeTarget(Table):
    """What borrowing the securities of a class costs; general ones cost its `lending_fee`."""

    average: Annotated[float, Field(ge=0, le=10)]
    """For a year, of what is on loan in the class, weighted by value."""
    specials: Annotated[float, Field(gt=0, lt=1)]
    """Share of specials in what is on loan in the class. Its last tokens are special, as near to
    this share of them as can be, one at least."""
    source: Source


class BookTargets(Table):
    """What a book shall look like on any day: a file of targets, each with its source.

    All shares are by value of what is on loan or of collateral. Shares that belong together count
    in proportion: 46, 38 and 14 % are drawn as 46.9, 38.8 and 14.3 %.
    """

    name: str = ""
    title: str = ""
    lent: Annotated[dict[str, ShareTarget], Field(min_length=1)]
    """By class of assets: share of what is on loan."""
    against_cash: ShareTarget
    """Share of what is lent against cash; the rest is lent against securities."""
    collateral: Annotated[dict[str, ShareTarget], Field(min_length=1)]
    """By class of assets: share of the securities that are collateral."""
    largest_borrowers: ShareTarget
    """Share of the three largest borrowers in what is on loan."""
    largest_agents: ShareTarget
    """Share of what is lent through the three largest agents."""
    open_ended: ShareTarget
    """Share of loans with an open end in what is on loan."""
    open_life: SizeTarget
    """Days for which an open loan runs on average, until it is returned or recalled."""
    terms: tuple[TermTarget, ...] = ()
    """The other loans, by their terms; shares of all that is on loan."""
    mean_size: SizeTarget
    """Mean value of a loan when it begins, in money."""
    size_sigma: SizeTarget
    """Standard deviation of the logarithm of its size."""
    mix_concentration: SizeTarget
    """How alike the mixes are that borrowers post: the sum of the parameters of the Dirichlet
    distribution that they are drawn from. Small numbers have each post what it has most of."""
    fees: dict[str, FeeTarget] = Field(default_factory=dict)
    """By class of assets; where none is given, all its loans cost its `lending_fee`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for field in ("lent", "collateral"):
            if not sum(share.value for share in getattr(self, field).values()):
                raise ValueError(f"{field} must have a positive share")
        days = [term.days for term in self.terms]
        if len(set(days)) < len(days):
            raise ValueError("terms names a number of days twice")
        if not self.open_ended.value + sum(term.value for term in self.terms):
            raise ValueError("open_ended or one of the terms must have a positive share")
        if self.open_life.value < 1:
            raise ValueError("open_life: expected a day at least")
        for name in self.fees:
            if name not in self.lent:
                raise ValueError(f"fees: {name} is not lent (lent are {', '.join(self.lent)})")
        return self


class Book(Table):
    """A loan book drawn from a file of targets, in place of `[loan]` and `network`.

    Lenders are beneficial owners behind agents, who allocate loans among them in turn; borrowers
    are dealers and other principals. Loans come and go at rates that keep the book in a steady
    state from the first day on.
    """

    targets: Annotated[str, Field(min_length=1)]
    """The file: `bundled:NAME`, or a path."""
    loans: Annotated[int, Field(ge=1, le=10_000_000)]
    """Loans open on a day, on average."""
    against_cash: Annotated[str, Field(min_length=1)]
    """Name of the agreement of loans against cash."""
    against_securities: Annotated[str, Field(min_length=1)] | None = None
    """Name of the agreement of loans against securities; if not given, `agreement`."""
    agents: Annotated[Number, Field(ge=1)] = 8
    """Agent lenders; each acts for some of the lenders."""
    indemnity: bool = False
    """Whether agents pay their lenders what a borrower's default leaves them to claim."""
    turnover: bool = True
    """Whether loans come and go. If not, exactly `loans` of them begin on day 0 and stay to the end
    of the window."""

    @field_validator("targets")
    @classmethod
    def _resolve(cls, targets: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        bundled = targets.startswith("bundled:")
        return targets if bundled or not folder else str(Path(folder, targets))

    def load(self) -> BookTargets:
        """Its targets.

        Raises:
            InputError: there is no such file, or something in it is wrong.
        """
        path = Path(self.targets)
        if self.targets.startswith("bundled:"):
            name = self.targets.removeprefix("bundled:")
            known = sorted(each.stem for each in BOOKS.glob("*.toml"))
            if name not in known:
                raise InputError(
                    f"targets: no bundled book {name}{nearest(name, known)}"
                    f" (known: {', '.join(known)})"
                )
            path = BOOKS / f"{name}.toml"
        try:
            return _parsed(path.read_text(encoding="utf-8-sig"), str(path))
        except OSError as error:
            raise InputError(f"targets: {path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise InputError(f"targets: {path}: not a TOML file: not UTF-8") from None


@lru_cache(maxsize=8)
def _parsed(text: str, origin: str) -> BookTargets:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"targets: {origin}: not a TOML file: {error}") from None
    return checked(BookTargets, table, origin)


def refuse_misfits(
    book: Book, given: frozenset[str], participants: frozenset[str], recalled: bool
) -> None:
    """See that nothing stands beside a book that would have no effect.

    Args:
        book: of a scenario.
        given: names of the scenario's fields that are set.
        participants: those of its participants.
        recalled: whether loans are recalled.

    Raises:
        ValueError: naming the first.
    """
    if "network" in given:
        raise ValueError("network: a [book] draws who lends to whom; leave network out")
    for field in ("dealers", "size"):
        if field in participants:
            why = {
                "dealers": "borrowers of a [book] are its dealers",
                "size": "sizes are those of the [book]'s targets",
            }[field]
            raise ValueError(f"participants.{field}: {why}; leave it out")
    if recalled:
        raise ValueError("recalls: when open loans of a [book] end is drawn; leave it out")
