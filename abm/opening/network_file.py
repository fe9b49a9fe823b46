"""Networks of a user's own: loans read from an edge list or from GraphML."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scenarios.checking import checked
from scenarios.errors import InputError
from scenarios.loans import GivenLoan, Loan

_TERMS = ("start", "maturity", "at_maturity", "open_ended")


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
    columns = ("loan_id", "lender", "borrower", "agreement", "principal", "lent_token", *_TERMS)
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
