"""Networks of a user's own: loans read from an edge list or from GraphML."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scenarios.checking import checked
from scenarios.errors import InputError
from scenarios.loans import GivenLoan, Loan

COLUMNS = (
    "loan_id",
    "lender",
    "borrower",
    "agreement",
    "principal",
    "lent_token",
    "start",
    "maturity",
    "at_maturity",
    "open_ended",
    "age",
    "concentration",
)
"""Fields of a loan that are a cell each."""

BY_TOKEN = ("lent", "collateral", "composition")
"""Fields with a cell for each token, as `collateral.IBM`."""

REPLACES = {
    "principal": ("lent", "collateral"),
    "lent": ("principal", "lent_token", "collateral"),
    "collateral": ("composition", "mixes", "concentration"),
    "composition": ("mixes", "collateral"),
    "concentration": ("collateral",),
    "maturity": ("open_ended",),
    "open_ended": ("maturity", "at_maturity", "age"),
}
"""What a field of a row takes the place of in the template, beside the same field."""


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
    common = template.model_dump(exclude_unset=True)
    loans: list[GivenLoan] = []
    seen: dict[int, str] = {}
    for number, (where, cells) in enumerate(edges, start=1):
        given = _fields(cells, f"{path}: {where}")
        replaced = {
            field for key, cell in given.items() if not _no(cell) for field in REPLACES.get(key, ())
        }
        kept = {key: value for key, value in common.items() if key not in replaced}
        loan = checked(GivenLoan, {"loan_id": number, **kept, **given}, f"{path}: {where}")
        if loan.loan_id in seen:
            raise InputError(
                f"{path}: {where}: loan_id {loan.loan_id} also stands in {seen[loan.loan_id]}"
            )
        seen[loan.loan_id] = where
        loans.append(loan)
    return loans


def _no(cell: Any) -> bool:
    return cell is False or str(cell).lower() in ("0", "off", "f", "false", "n", "no")


def _fields(cells: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of a loan that a row gives: cells that are not empty.

    Raises:
        InputError: there is no such column.
    """
    fields: dict[str, Any] = {}
    for column, cell in cells.items():
        field, _, token = column.partition(".")
        if not (column in COLUMNS or (field in BY_TOKEN and token)):
            known = ", ".join((*COLUMNS, *(f"{each}.TOKEN" for each in BY_TOKEN)))
            raise InputError(f"{where}: unknown column {column}; known: {known}")
        if cell in ("", None):
            continue
        if token:
            fields.setdefault(field, {})[token] = cell
        else:
            fields[field] = cell
    return fields


def _edge_list(path: Path) -> Sequence[tuple[str, Mapping[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            twice = [column for column in header if header.count(column) > 1]
            if twice:
                raise InputError(f"{path}: column {twice[0]} appears twice")
            missing = {"lender", "borrower"} - set(header)
            if missing:
                found = ", ".join(header) or "nothing"
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
    edges = []
    for lender, borrower, attributes in graph.edges(data=True):
        attributes.pop("id", None)  # the edge's own in XML
        cells = {"lender": lender, "borrower": borrower, **attributes}
        edges.append((f"edge {lender} -> {borrower}", cells))
    return edges
