"""The loans of a scenario as a table, before they are opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from abm.books.population import Population
from abm.opening.drawn_book import draw_book
from abm.opening.drawn_loans import Drawn, FeatureStreams, draw_features, draw_shares
from abm.opening.lending_network import draw_edges
from abm.opening.network_file import read_network
from abm.opening.network_limits import refuse_large
from abm.opening.population import draw_population, draw_sizes
from scenarios.agreement import CollateralAgreement
from scenarios.errors import InputError, named
from scenarios.loans import GivenLoan, Loan
from scenarios.network import FromFile
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LoanTable:
    """One row a loan, sorted by `loan_id`."""

    loan_id: Ints
    lender: Ints
    borrower: Ints
    agreement: Ints
    """Position among `agreements`."""
    scale: Floats
    """Size of the loan relative to its kind's."""
    agreements: tuple[CollateralAgreement, ...]
    drawn: Drawn
    """Their kinds, and what was drawn for each."""
    shares: Ints | None
    """Of the tokens in the collateral of loans that have drawn their own (`draw_shares`)."""
    lent_token: Ints | None = None
    """Column of what each loan of a book lends; None where their kinds say it."""
    fee: Floats | None = None
    """For a year, of each loan of a book."""
    open_ended: npt.NDArray[np.bool_] | None = None
    """Which loans of a book have an open end; None for one that stands still."""
    agent: Ints | None = None
    """Of each participant of a book; -1 for none."""

    def __len__(self) -> int:
        return len(self.loan_id)


@dataclass(frozen=True)
class _Parties:
    """Loans between participants, before their features are drawn; columns as of the table."""

    population: Population
    loan_id: Ints
    lender: Ints
    borrower: Ints
    agreement: Ints
    scale: Floats
    kind: Ints
    kinds: tuple[Loan, ...]


def draw_loans(
    scenario: Scenario, network: np.random.Generator, tokens: Sequence[str], last: int
) -> tuple[Population, LoanTable]:
    """The participants and loans of a scenario, drawn or given.

    Args:
        scenario: what to build.
        network: draws them.
        tokens: names of the ledger's columns, cash last.
        last: last day of the window.

    Raises:
        InputError: a loan names what does not exist, or the network file is wrong.
    """
    if scenario.book is not None:
        return _booked_loans(scenario, network, tokens, last)
    given: Sequence[GivenLoan] = scenario.loans
    origin = ""
    if isinstance(scenario.network, FromFile):
        if scenario.loan is None:
            raise InputError("network.file goes with [loan], the terms that the file leaves open")
        given = read_network(Path(scenario.network.file), scenario.loan)
        origin = f"{scenario.network.file}: "
    if given:
        parties = _given_loans(scenario, given, origin, network)
    else:
        parties = _drawn_loans(scenario, network)
    ids, population = parties.loan_id, parties.population
    own = np.flatnonzero(parties.lender == parties.borrower)
    if len(own):
        name = population.names[parties.lender[own[0]]]
        raise InputError(f"{origin}loan {ids[own[0]]}: {name} lends to itself")
    agreements = (scenario.agreement, *scenario.agreements.values())
    streams = FeatureStreams(network)

    def told(row: int) -> str:
        return f"{origin}loan {ids[row]}" if given else "loan"

    drawn = draw_features(parties.kind, parties.kinds, told, last, streams)
    table = LoanTable(
        loan_id=ids,
        lender=parties.lender,
        borrower=parties.borrower,
        agreement=parties.agreement,
        scale=parties.scale,
        agreements=agreements,
        drawn=drawn,
        shares=draw_shares(drawn, agreements, parties.agreement, tokens, streams),
    )
    return population, table


def _given_loans(
    scenario: Scenario, given: Sequence[GivenLoan], origin: str, network: np.random.Generator
) -> _Parties:
    """Loans one by one, and those that they name.

    Raises:
        InputError: a loan names an agreement that is not there.
    """
    ordered = sorted(given, key=lambda loan: loan.loan_id)
    pairs = [(loan.lender, loan.borrower) for loan in ordered]
    population = draw_population(scenario, pairs, network)
    row = {name: i for i, name in enumerate(population.names)}
    names = ["", *scenario.agreements]
    unknown = next((loan for loan in ordered if (loan.agreement or "") not in names), None)
    if unknown is not None:
        known = ", ".join(scenario.agreements) or "none"
        raise InputError(
            f"{origin}loan {unknown.loan_id}: no agreement {unknown.agreement} (known: {known})"
        )
    lender, borrower = (np.array([row[pair[side]] for pair in pairs]) for side in (0, 1))
    told = [_kind(loan) for loan in ordered]
    kinds = {kind: i for i, kind in enumerate(dict.fromkeys(told))}
    return _Parties(
        population=population,
        loan_id=np.array([loan.loan_id for loan in ordered], np.int64),
        lender=lender,
        borrower=borrower,
        agreement=np.array([names.index(loan.agreement or "") for loan in ordered], np.int64),
        scale=np.array([_scale(loan) for loan in ordered]),
        kind=np.array([kinds[kind] for kind in told], np.int64),
        kinds=tuple(Loan.model_validate_json(kind) for kind in kinds),
    )


def _drawn_loans(scenario: Scenario, network: np.random.Generator) -> _Parties:
    """A loan on every edge of a network that is drawn."""
    assert scenario.loan is not None
    refuse_large(scenario)
    population = draw_population(scenario, None, network)
    lenders, borrowers, dealers = (
        population.rows("lender"),
        population.rows("borrower"),
        population.rows("dealer"),
    )
    edges = draw_edges(scenario.network, lenders, borrowers, dealers, network)
    number = len(edges.lender)
    with np.errstate(over="ignore"):  # what is too large is refused as a loan
        size = np.sqrt(population.size[edges.lender] * population.size[edges.borrower])
    return _Parties(
        population=population,
        loan_id=np.arange(1, number + 1),
        lender=edges.lender,
        borrower=edges.borrower,
        agreement=np.zeros(number, np.int64),
        scale=size * draw_sizes(scenario.loan.spread, number, network),
        kind=np.zeros(number, np.int64),
        kinds=(scenario.loan,),
    )


def _booked_loans(
    scenario: Scenario, network: np.random.Generator, tokens: Sequence[str], last: int
) -> tuple[Population, LoanTable]:
    """A book drawn from its targets.

    Raises:
        InputError: they do not fit the scenario.
    """
    book = scenario.book
    assert book is not None
    population = draw_population(scenario, None, network)
    with named("book"):
        loans = draw_book(scenario, population, tokens, last, network)
    names = ["", *scenario.agreements]
    secured = [names.index(name or "") for name in (book.against_securities, book.against_cash)]
    return population, LoanTable(
        loan_id=np.arange(1, len(loans.lender) + 1),
        lender=loans.lender,
        borrower=loans.borrower,
        agreement=np.array(secured)[loans.against_cash.astype(np.int64)],
        scale=loans.scale,
        agreements=(scenario.agreement, *scenario.agreements.values()),
        drawn=loans.drawn,
        shares=loans.shares,
        lent_token=loans.lent_token,
        fee=loans.fee,
        open_ended=loans.open_ended,
        agent=loans.agent,
    )


def _kind(loan: GivenLoan) -> str:
    """What two loans have in common if they differ in their parties and principals alone."""
    if loan.principal is not None:
        loan = loan.model_copy(update={"principal": loan.principal / _scale(loan)})
    return loan.model_dump_json(include=set(Loan.model_fields), exclude_unset=True)


def _scale(loan: GivenLoan) -> float:
    """The principal, unless the collateral is given too, which must not grow with it."""
    return 1.0 if loan.principal is None or loan.collateral is not None else loan.principal
