"""The section on what policies cost in all, who bears it, and where their order turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import ResultsError
from analysis.labels import factor_label, number_label
from analysis.meanings import FACTOR
from analysis.operating_cost import GasTerms, estimated_costs
from analysis.report.content import Section, TableItem
from analysis.report.designs import plain_level
from analysis.report.subject import Subject
from analysis.results import KEYS
from analysis.summary import records, summarise
from analysis.trade_off import (
    BORROWERS,
    ITEMS,
    LENDERS,
    PER_LOSS,
    REVENUE,
    TOTAL,
    UnitCosts,
    trade_off,
    with_costs,
)

PRICE_WORDS = {
    "margin_call": "a margin call",
    "transfer": "a transfer",
    "issuance": "an issuance",
    "collateral": "collateral, a year",
    "default_rate": "default rate",
}


def trade_off_section(
    subject: Subject,
    prices: Mapping[Any, UnitCosts],
    terms: Mapping[Any, GasTerms],
    factor: str | None = None,
    level: Any = None,
) -> Section | None:
    """What each design costs, and what one policy costs less or more than the others.

    Args:
        subject: what is reported on.
        prices: by `scenario_id`.
        terms: by `scenario_id`, for the gas of runs that have none.
        factor: column of the policies; the paper's model if it varies, else the only policy.
        level: the policy to compare with the others; the cheapest if not given.

    Returns:
        None without prices.

    Raises:
        ResultsError: no such factor or level, or no run of a design with prices.
    """
    if not prices:
        return None
    runs, remark = _with_gas(subject, prices, terms)
    costs = with_costs(runs, prices)
    section = Section("What it costs, and who bears it")
    section.text.append(
        "Costs are what runs count times the prices of the scenario's [costs], and losses; in basis"
        f" points, for a year, of what is lent. No run depends on these prices.{remark}"
    )
    section.items.append(_by_design(subject, costs))
    chosen = factor or _policy(subject)
    if chosen is not None and chosen in subject.factors:
        if level is None:
            level = costs.groupby(chosen)[TOTAL].mean().idxmin()
        section.items.append(_compared(subject, trade_off(runs, prices, chosen, level), level))
    return section


def _policy(subject: Subject) -> str | None:
    """The factor whose levels are compared, if it is clear which."""
    model = f"{FACTOR}model"
    if model in subject.factors:
        return model
    return subject.policies[0] if len(subject.policies) == 1 else None


def _by_design(subject: Subject, costs: pd.DataFrame) -> TableItem:
    """What each item costs in each design, and who bears it."""
    items = {f"{TOTAL}.{item}": words for item, (words, _) in ITEMS.items()}
    used = {name: words for name, words in items.items() if costs[name].any()}
    columns = {TOTAL: "cost", **used, LENDERS: "of it lenders", BORROWERS: "of it borrowers"}
    if REVENUE in costs:
        columns |= {REVENUE: "revenue of lenders", PER_LOSS: "revenue over losses"}
    table = summarise(costs, list(columns))
    shown = []
    keys = ["scenario_id", *subject.factors]
    for key, rows in table.groupby(keys, sort=False, dropna=False):
        cells = {
            factor_label(name).capitalize(): plain_level(value)
            for name, value in zip(keys[1:], key[1:], strict=True)
        }
        for one in records(rows):
            interval = one["metric"] == TOTAL
            cells[columns[one["metric"]].capitalize()] = _interval(one) if interval else _bp(one)
        shown.append(cells)
    numbers = costs[[*KEYS, *subject.factors, *columns]]
    caption = (
        "Basis points, for a year, of what is lent; mean over runs, of the cost with its 95 %"
        f" interval. Costs of a call, a transfer and gas are shared by two parties."
        f" {subject.sources}"
    )
    return TableItem("costs", "Costs by design", pd.DataFrame(shown), numbers, caption)


def _compared(subject: Subject, table: pd.DataFrame, level: Any) -> TableItem:
    """What a level costs less or more than each other, and the prices at which that turns."""
    columns = list(table.columns)
    others = columns[: columns.index("other")]
    shown = []
    for row in records(table):
        cells = {factor_label(name).capitalize(): plain_level(row[name]) for name in others}
        cells["Against"] = plain_level(row["other"])
        cells["Cost less theirs"] = _interval({**row, "mean": row["difference"]})
        for price, words in PRICE_WORDS.items():
            cells[f"Turns at {words}"] = _turn(row, price)
        cells["Cheapest of all"] = _share(row["cheapest"])
        shown.append(cells)
    caption = (
        f"{plain_level(level)} less each other, run by run, all other factors, networks and prices"
        " held equal; basis points for a year, 95 % intervals. Where it turns: the price at which"
        " both cost the same, all other prices as they are; none where no price from zero on does."
        " Cheapest: share of resamples of runs in which no other policy costs less."
    )
    title = f"{plain_level(level)} against the others"
    return TableItem("trade-off", title, pd.DataFrame(shown), table, caption)


def _with_gas(
    subject: Subject, prices: Mapping[Any, UnitCosts], terms: Mapping[Any, GasTerms]
) -> tuple[pd.DataFrame, str]:
    """The runs, their gas measured or else estimated, and a remark where some can be told of none.

    Gas counts for all designs or for none.
    """
    runs = subject.runs
    if not any(price.money_per_gas for price in prices.values()):
        return runs, ""
    known = (runs["gas"] > 0).to_numpy()
    if not known.all() and subject.results.has("days"):
        days = subject.results.days.frame(["open_loans"])
        loan_days = days[days["day"] > 0].groupby(list(KEYS))["open_loans"].sum()
        told = estimated_costs(runs, loan_days, terms)
        gas = (told["gas_batched"] * told["loan_days"]).set_axis(
            pd.MultiIndex.from_frame(told[list(KEYS)])
        )
        rows = pd.MultiIndex.from_frame(runs[list(KEYS)])
        found = gas.reindex(rows).to_numpy(np.float64)
        runs = runs.assign(gas=np.where(known, runs["gas"], found))
        known |= np.isfinite(found)
    if known.all():
        return runs, " Gas is measured, or estimated from counts (operating cost on Ethereum)."
    return runs.assign(gas=0), (
        " Gas is not in it: of some designs it can be told neither from runs on the contracts nor"
        " from what was recorded of them."
    )


def check_factor(subject: Subject, name: str) -> str:
    """The column of a factor that varies.

    Raises:
        ResultsError: none does under that name.
    """
    column = name if name.startswith(FACTOR) else FACTOR + name
    if column not in subject.factors:
        known = ", ".join(map(factor_label, subject.factors)) or "none"
        raise ResultsError(f"{name}: no factor of these results (they vary {known})")
    return column


def _bp(row: Mapping[str, Any]) -> str:
    return number_label(row["mean"], 3)


def _interval(row: Mapping[str, Any]) -> str:
    text = number_label(row["mean"], 3)
    if not (np.isfinite(row["low"]) and np.isfinite(row["high"])):
        return text
    return f"{text} ({number_label(row['low'], 3)} to {number_label(row['high'], 3)})"


def _turn(row: Mapping[str, Any], price: str) -> str:
    at, low, high = (row[f"{end}{price}"] for end in ("at.", "low.", "high."))
    if not np.isfinite(at):
        return "none"
    if np.isnan(low):
        return number_label(at, 3)
    ends = [number_label(end, 3) if np.isfinite(end) else "none" for end in (low, high)]
    return f"{number_label(at, 3)} ({ends[0]} to {ends[1]})"


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.0f} %"
