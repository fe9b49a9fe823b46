"""The loans of a scenario as a table, before they are opened."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.books.population import Population
from abm.opening.exact import scaled, times
from abm.opening.lending_network import draw_edges
from abm.opening.network_limits import refuse_large
from abm.opening.population import draw_population, draw_sizes
from scenarios.agreement import CollateralAgreement, exact
from scenarios.checking import checked
from scenarios.errors import InputError, named, refuse_unpriced
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
    kind: Ints
    """Position among `kinds`."""
    scale: Floats
    """Size of the loan relative to its kind's."""
    kinds: tuple[Loan, ...]
    agreements: tuple[CollateralAgreement, ...]


def draw_loans(scenario: Scenario, network: np.random.Generator) -> tuple[Population, LoanTable]:
    """The participants and loans of a scenario, drawn or given.

    Raises:
        InputError: a loan names what does not exist, or the network file is wrong.
    """
    agreements = (scenario.agreement, *scenario.agreements.values())
    given: Sequence[GivenLoan] = scenario.loans
    origin = ""
    if isinstance(scenario.network, FromFile):
        if scenario.loan is None:
            raise InputError("network.file goes with [loan], the terms that the file leaves open")
        given = read_network(Path(scenario.network.file), scenario.loan)
        origin = f"{scenario.network.file}: "
    if given:
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
        kinds = {kind: i for i, kind in enumerate(dict.fromkeys(map(_kind, ordered)))}
        table = LoanTable(
            loan_id=np.array([loan.loan_id for loan in ordered], np.int64),
            lender=lender,
            borrower=borrower,
            agreement=np.array([names.index(loan.agreement or "") for loan in ordered], np.int64),
            kind=np.array([kinds[_kind(loan)] for loan in ordered], np.int64),
            scale=np.array([_scale(loan) for loan in ordered]),
            kinds=tuple(Loan.model_validate_json(kind) for kind in kinds),
            agreements=agreements,
        )
    else:
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
        table = LoanTable(
            loan_id=np.arange(1, number + 1),
            lender=edges.lender,
            borrower=edges.borrower,
            agreement=np.zeros(number, np.int64),
            kind=np.zeros(number, np.int64),
            scale=size * draw_sizes(scenario.loan.spread, number, network),
            kinds=(scenario.loan,),
            agreements=agreements,
        )
    own = np.flatnonzero(table.lender == table.borrower)
    if len(own):
        loan = table.loan_id[own[0]]
        raise InputError(
            f"{origin}loan {loan}: {population.names[table.lender[own[0]]]} lends to itself"
        )
    return population, table


def _kind(loan: GivenLoan) -> str:
    """What two loans have in common if they differ in their parties and principals alone."""
    if loan.principal is not None:
        loan = loan.model_copy(update={"principal": loan.principal / _scale(loan)})
    return loan.model_dump_json(include=set(Loan.model_fields), exclude_unset=True)


def _scale(loan: GivenLoan) -> float:
    """The principal, unless the collateral is given too, which must not grow with it."""
    return 1.0 if loan.principal is None or loan.collateral is not None else loan.principal


def read_network(path: Path, template: Loan) -> list[GivenLoan]:
    """Loans from an edge list (CSV) or GraphML; what an edge leaves open the template says.

    Raises:
        InputError: naming file, row and column of what is wrong.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    edges = _graphml(path) if path.suffix.lower() == ".graphml" else _edge_list(path)
    if not edges:
        raise InputError(f"{path}: no edges; expected a loan from a lender to a borrower in each")
    columns = ("loan_id", "lender", "borrower", "agreement", "principal", "maturity")
    common = template.model_dump(exclude_unset=True)
    loans: list[GivenLoan] = []
    seen: dict[int, str] = {}
    for number, (where, cells) in enumerate(edges, start=1):
        unknown = set(cells).difference(columns)
        if unknown:
            raise InputError(
                f"{path}: {where}: unknown column {min(unknown)}; known: {', '.join(columns)}"
            )
        given = {key: cell for key, cell in cells.items() if cell not in ("", None)}
        kept = common
        if "principal" in given:
            kept = {k: v for k, v in common.items() if k not in ("collateral", "lent")}
        row = {"loan_id": number, **kept, **given}
        loan = checked(GivenLoan, row, f"{path}: {where}")
        if loan.loan_id in seen:
            raise InputError(
                f"{path}: {where}: loan_id {loan.loan_id} also stands in {seen[loan.loan_id]}"
            )
        seen[loan.loan_id] = where
        loans.append(loan)
    return loans


def _edge_list(path: Path) -> Sequence[tuple[str, Mapping[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"lender", "borrower"} - set(reader.fieldnames or ())
            if missing:
                found = ", ".join(reader.fieldnames or ()) or "nothing"
                raise InputError(f"{path}: no column {min(missing)}; found {found}")
            rows = []
            for row in reader:
                where = f"row {reader.line_num}"
                if None in row or None in row.values():
                    raise InputError(f"{path}: {where}: not as many cells as the header has")
                rows.append((where, row))
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable CSV file ({error})") from None


def _graphml(path: Path) -> Sequence[tuple[str, Mapping[str, Any]]]:
    import networkx as nx

    try:
        graph = nx.read_graphml(path)
    except Exception as error:  # whatever an XML parser can raise
        raise InputError(f"{path}: not a readable GraphML file ({error})") from None
    if not graph.is_directed():
        raise InputError(f"{path}: edges must be directed, from lender to borrower")
    return [
        (f"edge {lender} -> {borrower}", {"lender": lender, "borrower": borrower, **attributes})
        for lender, borrower, attributes in graph.edges(data=True)
    ]


@dataclass(frozen=True)
class Sizes:
    """What each loan lends and what is posted for it at the start, in tokens."""

    lent: Ints
    posted: Ints


def size_loans(
    table: LoanTable, tokens: Sequence[str], cash: str, prices: Ints, unit: float
) -> Sizes:
    """Size every loan at the first day's prices.

    A loan given by its collateral is worth `(1-α)·Σ P·N`, rounded down (paper, Table 2). For the
    others the collateral is the smallest whole number of tokens worth the required value, spread
    by value as the loan's composition says.

    Args:
        table: the loans.
        tokens: names of the ledger's columns.
        cash: the cash token.
        prices: of each token, in money units.
        unit: smallest money unit.

    Raises:
        InputError: a loan names a token without a price.
    """
    shape = (len(table.loan_id), len(tokens))
    lent, posted = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    groups, group = np.unique(table.agreement * len(table.kinds) + table.kind, return_inverse=True)
    for position, key in enumerate(groups):
        rows = np.flatnonzero(group == position)
        kind = table.kinds[key % len(table.kinds)]
        agreement = table.agreements[key // len(table.kinds)]
        scale = table.scale[rows]
        ratio = agreement.collateral_ratio
        if kind.collateral is not None:
            posted[rows] = _scaled(_quantities(kind.collateral, tokens, "collateral"), scale)
        if kind.lent is not None:
            lent[rows] = _scaled(_quantities(kind.lent, tokens, "lent"), scale)
        elif kind.principal is not None:
            token = _column(kind.lent_token or cash, tokens, "lent_token")
            units = exact(kind.principal) / exact(unit)
            worth = scaled(np.ones(len(rows), np.int64), units, scale, "nearest")
            lent[rows, token] = np.maximum(worth // prices[token], 1)
        else:
            value = posted[rows] @ prices
            lent[rows, list(tokens).index(cash)] = times(value, 1 / ratio)
        if kind.collateral is None:
            exposure = lent[rows] @ prices
            required = times(exposure, ratio, "up")
            order = agreement.eligible(tokens, cash)
            shares = kind.composition or dict.fromkeys(order, 1.0)
            posted[rows] = _spread(required, shares, order, tokens, prices)
    return Sizes(lent, posted)


def _column(token: str, tokens: Sequence[str], field: str) -> int:
    with named(f"loan.{field}"):
        refuse_unpriced(token, tokens)
    return list(tokens).index(token)


def _quantities(counts: Mapping[str, int], tokens: Sequence[str], field: str) -> Ints:
    quantities = np.zeros(len(tokens), np.int64)
    for token, quantity in counts.items():
        quantities[_column(token, tokens, field)] = quantity
    return quantities


def _scaled(quantities: Ints, scale: Floats) -> Ints:
    shape = (len(scale), len(quantities))
    amounts = np.broadcast_to(quantities, shape)
    return scaled(amounts, exact(1), np.broadcast_to(scale[:, None], shape), "nearest")


def _spread(
    required: Ints,
    shares: Mapping[str, float],
    order: Sequence[str],
    tokens: Sequence[str],
    prices: Ints,
) -> Ints:
    """Tokens worth at least the required values, in these shares.

    Each token is rounded down but for the first one of the agreement's order, which makes up the
    rest: in what order the shares are written does not matter.
    """
    posted = np.zeros((len(required), len(tokens)), np.int64)
    columns = {_column(token, tokens, "composition"): share for token, share in shares.items()}
    ranked = [list(tokens).index(token) for token in order]
    ranked += [column for column in range(len(tokens)) if column not in ranked]
    first, *others = [column for column in ranked if columns.get(column)]
    total = sum(map(exact, columns.values()))
    for column in others:
        weight = exact(columns[column]) / total
        posted[:, column] = times(required, weight / int(prices[column]))
    rest = required - posted @ prices
    posted[:, first] += np.maximum(-(-rest // prices[first]), 0)
    return posted
