"""Gas of the paper's five models on the contracts; `python -m abm.chain.gas` records it anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from abm.chain.day import chain_of
from abm.chain.records import MAX_BATCH, MAX_TOKENS, OUTCOMES
from abm.model import CollateralMarket
from analysis.operating_cost import RECORD
from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

FIRST = "2024-01-01"
VOLATILITY = 0.03
"""Of daily log-returns of the prices that the tables are made with: a market under stress."""
CORRELATION = 0.6
SEED = 7
MODELS = (0, 1, 2, 3, 4)
SIZES = (1, 5, 15)
BATCHES = (1, 16)
"""Models, numbers of tokens and loans in a transaction that are recorded."""
DAYS = 61
"""Of each simulation, day 0 included."""

COLUMNS = {
    "model": "The paper's model.",
    "tokens": "Collateral tokens of each loan.",
    "batch": "Loans in one transaction.",
    "days": "Days simulated.",
    "calls": "Margin calls on all loans.",
    "gas_day": "Gas per loan and day: prices, instructions, allowances and margin run, every day.",
    "gas_day_on_demand": "The same if the margin run is sent only on days with a call; batch of 1.",
    "gas_call": "Gas of margin runs and instructions per call, those without a call included.",
    **{
        f"gas_{outcome.replace(' ', '_')}": "Mean gas per loan of a margin run that comes to:"
        f" {outcome}, for all its loans; with its instructions, if they settle later."
        for outcome in OUTCOMES
    },
    "gas_post": "Gas of a price post: one a day, however many loans there are.",
    "gas_mint": "Gas of a mint to a wallet, as a transaction of its own.",
    "gas_allow": "Gas of allowances renewed by borrowers, per delivery.",
    "allowances": "How many were renewed, of all loans.",
}
"""Columns of `gas_table`."""


def example_prices(tokens: int, days: int) -> PricePanel:
    """The prices that the tables are made with: equicorrelated geometric random walks."""
    rng = np.random.default_rng(SEED)
    common = np.sqrt(CORRELATION) * rng.normal(size=(days, 1))
    own = np.sqrt(1 - CORRELATION) * rng.normal(size=(days, tokens))
    steps = VOLATILITY * (common + own) - VOLATILITY**2 / 2
    steps[0] = 0
    prices = np.rint(1000 * np.exp(steps.cumsum(axis=0)))
    frame = pd.DataFrame(
        prices,
        index=pd.date_range(FIRST, periods=days),
        columns=[f"CT{number}" for number in range(1, tokens + 1)],
    )
    return PricePanel.from_frame(frame, "gas")


def example_market(model: int, tokens: int, batch: int, days: int) -> CollateralMarket:
    """A market of `batch` equal loans under one of the paper's models, run to its end."""
    panel = example_prices(tokens, days)
    end = panel.dates[-1] + pd.Timedelta(days=1)
    scenario = Scenario.parse(
        {
            "name": f"gas of Model {model}",
            "ledger": "evm",
            "money": {"unit": 1},
            "window": {"start": str(panel.dates[0].date()), "end": str(end.date())},
            "prices": {"source": "file", "file": "given"},
            "agreement": {"model": model, "haircut": 0.05, "return_rounding": "up"},
            "loan": {"collateral": dict.fromkeys(panel.tokens, 1_000_000)},
            "participants": {"lenders": 1, "borrowers": batch},
        },
        "gas",
    )
    return CollateralMarket(scenario, rng=1, prices=panel).run()


def gas_table(
    models: Sequence[int] = MODELS,
    tokens: Sequence[int] = (5,),
    batches: Sequence[int] = (1,),
    *,
    days: int = DAYS,
) -> pd.DataFrame:
    """Gas of the paper's models on the contracts, one row a model, size and batch.

    `analysis.operating_cost.priced` puts it in money.

    Args:
        models: of the paper's Table 1.
        tokens: numbers of collateral tokens.
        batches: numbers of loans that share their transactions.
        days: length of each simulation, day 0 included.

    Returns:
        Columns as in `COLUMNS`; NaN where a mean is over nothing.

    Raises:
        InputError: the machine is not installed, or a number is out of range.
    """
    _check(models, tokens, batches, days)
    rows = []
    for model in models:
        for number in tokens:
            for batch in batches:
                market = example_market(model, number, batch, days)
                row: dict[str, float] = {"model": model, "tokens": number, "batch": batch}
                rows.append(row | _measure(market, days - 1))
                market.release()
    return pd.DataFrame(rows)[list(COLUMNS)]


def _measure(market: CollateralMarket, days: int) -> dict[str, float]:
    """Means over the transactions of a market's days from 1 to `days`."""
    frame = chain_of(market).gas_frame()
    mint = float(frame.loc[frame["action"] == "mint", "gas"].mean())
    # An instruction settles on the day after the margin run that gave it, the last one's too.
    settled = frame[frame["action"] == "settle_instructions"].set_index("day")["gas"]
    frame = frame[frame["day"].between(1, days)]
    runs = frame[frame["action"] == "adjust"].set_index("day")
    later = settled.rename(lambda day: day - 1).reindex(runs.index, fill_value=0)
    whole = runs["gas"] + later
    instructed = frame.loc[frame["action"] == "settle_instructions", "gas"].sum()
    posts = frame.loc[frame["action"] == "post", "gas"].sum()
    renewed = frame.loc[frame["action"] == "allow", "gas"]
    loans = int(runs["loans"].iloc[0])
    counts = market.days_frame().set_index("day").loc[1:]
    calls = int(counts["margin_calls"].sum())
    row: dict[str, float] = {
        "days": days,
        "calls": calls,
        "gas_day": (frame["gas"].sum() - instructed + later.sum()) / days / loans,
        "gas_day_on_demand": float("nan"),
        "gas_call": float(whole.sum() / calls) if calls else float("nan"),
    }
    outcomes = runs["outcome"] if loans == 1 else common_outcomes(counts, loans)
    for outcome in OUTCOMES:
        mine = whole[outcomes == outcome] / loans
        row[f"gas_{outcome.replace(' ', '_')}"] = float(mine.mean()) if len(mine) else float("nan")
    row["gas_post"] = posts / days
    row["gas_mint"] = mint
    deliveries = int(counts["deliveries"].sum())
    row["gas_allow"] = renewed.sum() / deliveries if deliveries else float("nan")
    row["allowances"] = len(renewed)
    if loans == 1:
        called = whole[outcomes != "no call"]
        row["gas_day_on_demand"] = (posts + renewed.sum() + called.sum()) / days
    return row


def common_outcomes(counts: pd.DataFrame, loans: int) -> pd.Series:
    """What the margin run of each day came to for all loans alike; empty where they differ.

    Args:
        counts: as `days_frame`, by day.
        loans: how many there are.
    """
    outcomes = pd.Series("", counts.index)
    minted = counts["borrower_issuances"]
    outcomes[counts["margin_calls"] == 0] = "no call"
    outcomes[(counts["deliveries"] == loans) & (minted == 0)] = "delivery"
    outcomes[(counts["deliveries"] == loans) & (minted == loans)] = "delivery with mint"
    # A lender's issuances cannot be told by the day on which they settle: no example has any.
    outcomes[(counts["returns"] == loans) & (counts["lender_issued_value"] == 0)] = "return"
    return outcomes


def _check(
    models: Sequence[int],
    tokens: Sequence[int],
    batches: Sequence[int],
    days: int,
) -> None:
    for name, given, low, high in (
        ("models", models, 0, 4),
        ("tokens", tokens, 1, MAX_TOKENS - 1),
        ("batches", batches, 1, MAX_BATCH),
        ("days", [days], 3, 10_000),
    ):
        wrong = [number for number in given if not low <= number <= high]
        if wrong or not given:
            told = ", ".join(map(str, wrong)) or "none"
            raise InputError(f"gas: {name}: expected numbers from {low} to {high}, not {told}")


def gas_markdown(table: pd.DataFrame) -> str:
    """A gas table as it stands in `docs/contracts.md` (`gas_cells`)."""
    cells = gas_cells(table)
    return str(cells.to_markdown(index=False, disable_numparse=True, stralign="right"))


def gas_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The figures of a gas table as text: gas in thousands, empty where there is none.

    Columns that are empty throughout are left out.
    """
    shown = table.dropna(axis="columns", how="all")
    cells = {}
    for name in shown.columns:
        if name.startswith("gas_"):
            label = name.removeprefix("gas_").replace("_", " ")
            cells[f"{label} (kgas)"] = [_cell(gas / 1000, 1) for gas in shown[name]]
        elif name.startswith("money_"):
            label = name.removeprefix("money_")
            cells[f"{label} (money)"] = [_cell(money, 2) for money in shown[name]]
        else:
            cells[name] = [str(int(number)) for number in shown[name]]
    return pd.DataFrame(cells)


def _cell(number: float, places: int) -> str:
    return "" if np.isnan(number) else f"{number:,.{places}f}"


def record() -> pd.DataFrame:
    """What `analysis/data/gas.csv` holds: all models, sizes and batches, to a tenth of a gas."""
    return gas_table(MODELS, SIZES, BATCHES).round(1)


if __name__ == "__main__":
    record().to_csv(RECORD, index=False)
