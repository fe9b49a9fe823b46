"""The section on what the contracts cost to operate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.labels import factor_label, number_label
from analysis.operating_cost import Fees, GasTerms, estimated_costs, largest_batch, measured_costs
from analysis.report.content import FigureItem, Section, TableItem
from analysis.report.designs import ROWS, plain_level
from analysis.report.recorded_gas import models_table, recorded_table, yearly_figure
from analysis.report.subject import Subject
from analysis.results import KEYS
from analysis.summary import groups, records, summarise

KILO = 1e-3


def operating_cost_section(
    subject: Subject, fees: Fees, terms: Mapping[Any, GasTerms]
) -> Section | None:
    """Gas and money: of the runs, and of the paper's models as recorded.

    Shown if runs were on the contracts, or the paper's model varies.
    """
    if not subject.runs["gas"].any() and "model" not in map(factor_label, subject.factors):
        return None
    section = Section("Operating cost on Ethereum")
    section.text.append(
        "What margining costs on the smart contracts, which run on an Ethereum machine. Money is at"
        f" {number_label(fees.gas_price)} gwei for a unit of gas and"
        f" {number_label(fees.ether_price)} {_money(subject)} for an ether; it moves in proportion"
        " to both."
    )
    section.items += _of_runs(subject, fees, terms)
    if not section.items:
        section.text.append(
            "What these runs cost, or would have cost, cannot be told: that needs the table of"
            " days, and runs on the contracts or terms of a model that the contracts support."
        )
    money = _money(subject)
    section.items += [f(fees, money) for f in (yearly_figure, models_table, recorded_table)]
    return section


def _of_runs(
    subject: Subject, fees: Fees, terms: Mapping[Any, GasTerms]
) -> list[FigureItem | TableItem]:
    """Measured and estimated cost of the runs, as far as there is either."""
    if not subject.results.has("days"):
        return []
    days, remark = subject.days(["open_loans"])
    loan_days = days[days["day"] > 0].groupby(list(KEYS))["open_loans"].sum()
    items: list[FigureItem | TableItem] = []
    measured = measured_costs(subject.runs, loan_days)
    if len(measured):
        columns = {"gas_loan_day": "Loan and day", "gas_call": "Margin call", "gas": "Run"}
        table, averaged = _costs(subject, fees, measured, columns)
        words = (
            "Gas of all transactions after day 0 over loan-days, over margin calls, and in all:"
            " prices, margin runs, settlement, close-out. Up to 64 loans share a transaction."
        )
        items.append(
            TableItem(
                "operating-cost-measured",
                "What the runs cost, measured",
                table,
                _numbers(subject, fees, measured, columns),
                f"{words}{averaged}{remark}",
            )
        )
    estimated = estimated_costs(subject.runs, loan_days, terms)
    if len(estimated):
        columns = {"gas_alone": "A transaction a loan"}
        if estimated["open_loans_max"].max() > 1:
            columns["gas_batched"] = f"Up to {largest_batch()} loans in one"
        table, averaged = _costs(subject, fees, estimated, columns, estimate=True)
        words = (
            "These runs were not on the contracts. Estimated: days × price post + deliveries,"
            " returns and loan-days with neither, each × its recorded gas with as many tokens; over"
            " loan-days. Opening, repayment and close-out of loans are not in it. Runs on the"
            " contracts, where compared, were within 10 % of it."
        )
        items.append(
            TableItem(
                "operating-cost-estimated",
                "What a loan and day of the runs would have cost, estimated",
                table,
                _numbers(subject, fees, estimated, columns),
                f"{words}{_left_out(subject, estimated)}{averaged}{remark}",
            )
        )
    return items


def _left_out(subject: Subject, estimated: pd.DataFrame) -> str:
    """A remark on designs that are neither measured nor estimated."""
    runs = subject.runs
    missing = set(runs.loc[runs["gas"] == 0, "scenario_id"]) - set(estimated["scenario_id"])
    if not missing:
        return ""
    return (
        f" {len(missing)} of {subject.designs} designs are left out: the contracts do not support"
        " their terms, or these are not a model's."
    )


def _costs(
    subject: Subject,
    fees: Fees,
    costs: pd.DataFrame,
    columns: Mapping[str, str],
    estimate: bool = False,
) -> tuple[pd.DataFrame, str]:
    """Means over the runs of each design, and a remark.

    Of very many designs, over those of each level of the factor that figures tell apart.
    """
    factors, averaged = subject.factors, ""
    if costs["scenario_id"].nunique() > ROWS and subject.series is not None:
        factors = [subject.series]
        rest = [factor_label(name) for name in subject.factors if name not in factors]
        averaged = f" Averaged over {', '.join(rest)}." if rest else ""
    shown = []
    for key, runs in groups(costs, factors):
        cells = {
            factor_label(name).capitalize(): plain_level(level)
            for name, level in zip(factors, key, strict=True)
        }
        means = {row["metric"]: row for row in records(summarise(runs, list(columns), by=[]))}
        cells["Runs"] = str(len(runs))
        for unit, size in (("thousand gas", KILO), (_money(subject), fees.per_gas)):
            for column, label in columns.items():
                ends = [means[column][end] * size for end in ("mean", "low", "high")]
                if estimate:
                    # It is less sure than the spread of the runs would make it look.
                    text = number_label(ends[0], 2)
                else:
                    text = _interval(*ends) if size == KILO else number_label(ends[0], 3)
                cells[f"{label}, {unit}"] = text
        shown.append(cells)
    return pd.DataFrame(shown), averaged


def _interval(mean: float, low: float, high: float) -> str:
    text = number_label(mean, 3)
    if not (np.isfinite(low) and np.isfinite(high)):
        return text
    return f"{text} ({number_label(low, 3)} to {number_label(high, 3)})"


def _numbers(
    subject: Subject, fees: Fees, costs: pd.DataFrame, columns: Mapping[str, str]
) -> pd.DataFrame:
    """A row a run, with the money beside the gas."""
    money = {name.replace("gas", "money", 1): costs[name] * fees.per_gas for name in columns}
    kept = costs[[*KEYS, *subject.factors, "loan_days", *columns]]
    return kept.assign(**money)


def _money(subject: Subject) -> str:
    return subject.currency or "money"
