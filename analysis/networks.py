"""Statistics of who lends to whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from abm.formulas.risk import concentration
from analysis.results import KEYS
from analysis.summary import groups, require

Floats = npt.NDArray[np.float64]


def pairs(loans: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """The lending network: the open loans of each pair added up, one edge a pair.

    Collateral and gap belong to margin accounts, which may secure several loans: each account
    counts once.

    Args:
        loans: table `loans`.
        by: columns that tell networks apart.

    Returns:
        a row a pair: `by`, `lender`, `borrower`, `loans`, `exposure`, `gap`, `coverage` (1 plus gap
        over exposure).

    Raises:
        ResultsError: no such column.
    """
    require(loans, ["lender", "borrower", "exposure", *by])
    open_loans = loans[loans["state"] == "open"] if "state" in loans else loans
    keys = [*by, "lender", "borrower"]
    table = open_loans.groupby(keys, sort=True).agg(
        loans=("exposure", "size"), exposure=("exposure", "sum")
    )
    if "gap" in loans:
        accounts = open_loans.drop_duplicates([*keys, "account"]) if "account" in loans else loans
        table["gap"] = accounts.groupby(keys)["gap"].sum()
        table["coverage"] = 1 + table["gap"] / table["exposure"].where(table["exposure"] != 0)
    return table.reset_index()


def network_statistics(loans: pd.DataFrame, by: Sequence[str] = KEYS) -> pd.DataFrame:
    """Size, density and concentration of each lending network.

    Args:
        loans: table `loans`; parallel loans of a pair count as one edge.
        by: columns that tell networks apart.

    Returns:
        a row a network: `by`, `participants` (those with a loan), `edges`, `loans`, `density`
        (edges over `n(n-1)`), `mean_degree` (edges over participants), `largest_in_degree`,
        `largest_out_degree`, `reciprocity` (share of edges whose reverse exists), `components`,
        `largest_component` (share of participants), `hhi_lenders` and `hhi_borrowers`
        (Herfindahl-Hirschman index of exposures) and `assortativity` (Pearson correlation of the
        total degrees at both ends of an edge, Newman 2003; NaN where degrees do not vary).

    Raises:
        ResultsError: no such column.
    """
    by = [name for name in by if name in loans]
    edges = pairs(loans, by)
    rows = []
    for key, group in groups(edges, by):
        head = dict(zip(by, key, strict=True))
        rows.append({**head, **_statistics(group)})
    return pd.DataFrame(rows)


def _statistics(edges: pd.DataFrame) -> dict[str, float]:
    names, code = np.unique(
        np.concatenate([edges["lender"].astype(str), edges["borrower"].astype(str)]),
        return_inverse=True,
    )
    source, target = code[: len(edges)], code[len(edges) :]
    n, m = len(names), len(edges)
    out_degree, in_degree = np.bincount(source, minlength=n), np.bincount(target, minlength=n)
    graph = coo_array((np.ones(m), (source, target)), shape=(n, n))
    number, component = connected_components(graph, directed=True, connection="weak")
    there = set(zip(source.tolist(), target.tolist(), strict=True))
    mutual = sum((b, a) in there for a, b in there)
    exposure = edges["exposure"].to_numpy(np.float64)
    return {
        "participants": n,
        "edges": m,
        "loans": int(edges["loans"].sum()),
        "density": m / (n * (n - 1)) if n > 1 else 0.0,
        "mean_degree": m / n,
        "largest_in_degree": int(in_degree.max()),
        "largest_out_degree": int(out_degree.max()),
        "reciprocity": mutual / m,
        "components": int(number),
        "largest_component": float(np.bincount(component).max() / n),
        "hhi_lenders": concentration(np.bincount(source, exposure, n)),
        "hhi_borrowers": concentration(np.bincount(target, exposure, n)),
        "assortativity": _assortativity(source, target, out_degree + in_degree),
    }


def _assortativity(
    source: npt.NDArray[np.int64], target: npt.NDArray[np.int64], degree: npt.NDArray[np.int64]
) -> float:
    # Every edge counts in both directions, so that the measure does not depend on them.
    a = degree[np.concatenate([source, target])].astype(np.float64)
    b = degree[np.concatenate([target, source])].astype(np.float64)
    return float(np.corrcoef(a, b)[0, 1]) if len(a) and a.std() > 0 else float("nan")
