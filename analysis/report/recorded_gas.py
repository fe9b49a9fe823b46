"""The paper's models in the report by their recorded gas: a figure and two tables in money."""

from __future__ import annotations

import pandas as pd

from analysis.figures.operating_cost import operating_cost_figure
from analysis.labels import number_label
from analysis.operating_cost import TOKENS, Fees, largest_batch, priced, recorded, yearly_costs
from analysis.report.content import FigureItem, TableItem
from analysis.summary import records

ACTIONS = {
    "gas_no_call": "No call",
    "gas_delivery": "Delivery",
    "gas_delivery_with_mint": "Delivery with mint",
    "gas_return": "Return",
    "gas_mint": "Mint",
    "gas_post": "Price post",
    "gas_allow": "Allowances",
}
"""What is done on a day or a call, by column of the recorded gas."""


def yearly_figure(fees: Fees, money: str) -> FigureItem:
    """Money for a loan and year, by model and way of operation."""
    yearly, batch = yearly_costs(fees), largest_batch()
    labels = {
        "alone": "a transaction a loan, every day",
        "on_demand": "a transaction a loan, on days with a call",
        "batched": f"batches of {batch}, every day",
    }
    saved = 100 * (1 - yearly.div(yearly["alone"], axis=0))
    triggers = saved.loc[saved["on_demand"] >= 1, "on_demand"]
    cheapest = yearly["batched"].idxmin()
    words = (
        f"As recorded: a loan against {TOKENS} tokens whose prices move by 3 % a day, 365 days a"
        f" year. Batches of {batch} save {_span(saved['batched'])}. Sending the margin run only on"
        f" days with a call saves {_span(triggers)} in Models {_and(triggers.index)}, which have a"
        f" trigger, and nothing in the others, which always have a call. Least of all costs Model"
        f" {cheapest} in batches: {number_label(yearly['batched'].min(), 3)} {money}."
    )
    return FigureItem("operating-cost", operating_cost_figure(yearly, labels, money), words)


def _span(shares: pd.Series) -> str:
    return f"{shares.min():.0f} to {shares.max():.0f} %"


def _and(models: pd.Index) -> str:
    return " and ".join(str(model) for model in models)


def models_table(fees: Fees, money: str) -> TableItem:
    """The five models in money, a transaction a loan: each action, and a day."""
    table = recorded()
    chosen = table[(table["tokens"] == TOKENS) & (table["batch"] == 1)]
    columns = {**ACTIONS, "gas_day": "Day", "gas_day_on_demand": "Day on demand"}
    shown = [
        {
            "Model": str(row["model"]),
            **{label: number_label(row[name] * fees.per_gas, 3) for name, label in columns.items()},
            "Year": number_label(row["money_year"]),
        }
        for row in records(priced(chosen, fees))
    ]
    caption = (
        f"As recorded, of a loan against {TOKENS} tokens with a transaction of its own. Delivery,"
        " return, no call: a margin run that comes to that, in Model 0 with the instruction that"
        " settles on the next day. With mint: tokens are issued on the way. Mint: to a wallet, in a"
        " transaction of its own. Price post: once a day for all loans. Allowances: renewed by the"
        " borrower, per delivery. Day: price post, allowances and margin run; on demand: the margin"
        " run on days with a call only. Opening a loan is not in it."
    )
    return TableItem(
        "operating-cost-models",
        f"The five models, {money}",
        pd.DataFrame(shown),
        priced(chosen, fees),
        caption,
    )


def recorded_table(fees: Fees, money: str) -> TableItem:
    """All that was recorded, by number of tokens and batch."""
    table = priced(recorded(), fees)
    columns = {**ACTIONS, "gas_call": "Call", "gas_day": "Day"}
    shown = [
        {
            "Model": str(row["model"]),
            "Tokens": str(row["tokens"]),
            "Batch": str(row["batch"]),
            **{label: number_label(row[name] / 1000) for name, label in columns.items()},
            f"Call, {money}": number_label(row["money_call"], 3),
            f"Day, {money}": number_label(row["money_day"], 3),
            f"Year, {money}": number_label(row["money_year"]),
        }
        for row in records(table)
    ]
    caption = (
        "In thousand gas, if no other unit is given; per loan, but for mint and price post, and"
        " allowances per delivery. Batch: loans in a transaction."
        " Call: margin runs and instructions over calls, those without a call included."
    )
    return TableItem(
        "operating-cost-recorded",
        "Recorded gas by model, number of tokens and batch",
        pd.DataFrame(shown),
        table,
        caption,
        folded=True,
    )
