"""What `collateral run` says at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from abm.experiments.columns import FACTOR, summary_columns
from abm.experiments.execute import Finished

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "uncollateralised_exposure_mean",
    "over_collateralisation_mean",
    "margin_calls",
    "transfers",
    "borrower_issuances",
    "lender_issuances",
    "unmet_calls",
    "close_out_loss",
)
"""Statistics of an experiment that are shown, if any run has some of it: risk, then operations."""

MOST_ROWS = 48


def overview(finished: Finished) -> str:
    """The main statistics as a table, and where the files are."""
    from analysis import read_results

    results = read_results(finished.folder)
    runs = results.all_runs
    currency = str(results.manifest.get("currency", ""))
    done = runs[runs["status"] == "ok"]
    parts = []
    if len(done) == 1 and finished.runs == 1:
        parts.append(_one_run(done.iloc[0], currency))
    elif len(done):
        parts.append(_designs(done, results.factors, currency))
    errors = runs.loc[runs["status"] == "failed", "error"].value_counts()
    for error, number in errors.head(3).items():
        parts.append(f"{number} of {len(runs)} runs failed: {error}")
    if len(errors) > 3:
        parts.append(f"and {len(errors) - 3} other errors")
    if len(errors) and finished.runs > 1:
        parts.append(f"Which they are: the columns status and error of {finished.folder}/runs.")
    tables = ", ".join(str(table) for table in results.manifest.get("tables", ()))
    parts.append(
        f"{finished.runs} {'run' if finished.runs == 1 else 'runs'} in {finished.seconds:.1f} s."
        f" Results: {finished.folder} ({tables}; manifest.json)"
    )
    return "\n\n".join(parts)


def _one_run(run: pd.Series, currency: str) -> str:
    from tabulate import tabulate

    rows = [
        (name, number(float(run[name]), short=False), currency if unit == "money" else unit)
        for name, (unit, _) in summary_columns().items()
        if run[name] and not math.isnan(run[name])
    ]
    table = tabulate(
        rows,
        headers=("statistic", "value", "unit"),
        colalign=("left", "right", "left"),
        disable_numparse=True,
    )
    return f"{table}\n\nAll statistics that are not listed are 0."


def _designs(runs: pd.DataFrame, factors: list[str], currency: str) -> str:
    """A row a design: means over its replications, with intervals."""
    from tabulate import tabulate

    from analysis.summary import summarise

    metrics = [name for name in SHOWN if runs[name].any()]
    summary = summarise(runs, metrics, ["scenario_id", *factors])
    rows: list[list[Any]] = []
    for _, group in summary.groupby("scenario_id"):
        if len(rows) == MOST_ROWS:
            break
        first = group.iloc[0]
        cells = [_interval(row) for _, row in group.iterrows()]
        rows.append([*(first[name] for name in factors), first["runs"], *cells])
    headers = [name.removeprefix(FACTOR).replace(".", ".\n") for name in factors]
    headers += ["runs", *(_header(name, currency) for name in metrics)]
    table = tabulate(rows, headers=headers, stralign="right", disable_numparse=True)
    designs = summary["scenario_id"].nunique()
    more = f"; the first {MOST_ROWS} of {designs} designs" if designs > MOST_ROWS else ""
    return f"{table}\n\nMean over replications [95 % bootstrap interval]{more}."


def _header(name: str, currency: str) -> str:
    unit = summary_columns()[name].unit
    words = name.replace("_", "\n")
    return f"{words}\n({currency})" if unit == "money" else words


def _interval(row: pd.Series) -> str:
    if row["runs"] < 2:
        return number(row["mean"])
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def number(value: float, short: bool = True) -> str:
    """A number to read: three digits and k, M or G; or, not `short`, at most four decimals."""
    if math.isnan(value):
        return "–"
    if not short:
        if value == round(value):
            return f"{value:,.0f}"
        return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.4g}"
    for letter, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
