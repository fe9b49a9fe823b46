"""What the contracts cost: gas of the paper's five models, in gas and in money."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from abm.evm.chain import Chain
from abm.evm.platform import MAX_BATCH, MAX_TOKENS, OUTCOMES
from abm.model import CollateralMarket
from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

FIRST = "2024-01-01"
VOLATILITY = 0.03
"""Of daily log-returns of the prices that the tables are made with: a market under stress."""
CORRELATION = 0.6
SEED = 7
GWEI = 1e-9
DAYS_A_YEAR = 365

COLUMNS = {
    "model": "The paper's model.",
    "tokens": "Collateral tokens of each loan.",
    "batch": "Loans in one transaction.",
    "days": "Days simulated.",
    "calls": "Margin calls on all loans.",
    "gas_day": "Gas per loan and day: prices, instructions and margin run, every day.",
    "gas_day_on_demand": "The same if the margin run is sent only on days with a call; batch of 1.",
    "gas_call": "Gas of margin runs and instructions per call, those without a call included.",
    **{
        f"gas_{outcome.replace(' ', '_')}": f"Mean gas of a margin run that comes to: {outcome};"
        " with its instruction, if it settles later. Batch of 1."
        for outcome in OUTCOMES
    },
    "gas_mint": "Gas of a mint to a wallet, as a transaction of its own.",
    "money_day": "`gas_day` in money.",
    "money_call": "`gas_call` in money.",
    "money_year": "`gas_day` in money, times 365.",
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
    models: Sequence[int] = (0, 1, 2, 3, 4),
    tokens: Sequence[int] = (5,),
    batches: Sequence[int] = (1,),
    *,
    days: int = 61,
    gas_price: float = 10.0,
    ether_price: float = 3000.0,
) -> pd.DataFrame:
    """Operating cost of the paper's models on the contracts, one row a model, size and batch.

    Args:
        models: of the paper's Table 1.
        tokens: numbers of collateral tokens.
        batches: numbers of loans that share their transactions.
        days: length of each simulation, day 0 included.
        gas_price: in gwei.
        ether_price: in money.

    Returns:
        Columns as in `COLUMNS`; NaN where a mean is over nothing.

    Raises:
        InputError: the machine is not installed, or a number is out of range.
    """
    _check(models, tokens, batches, days, gas_price, ether_price)
    money = gas_price * GWEI * ether_price
    rows = []
    for model in models:
        for number in tokens:
            for batch in batches:
                market = example_market(model, number, batch, days)
                calls = int(market.days_frame()["margin_calls"].sum())
                row: dict[str, float] = {"model": model, "tokens": number, "batch": batch}
                row |= _measure(market.chain, days - 1, calls)
                row["money_day"] = row["gas_day"] * money
                row["money_call"] = row["gas_call"] * money
                row["money_year"] = row["money_day"] * DAYS_A_YEAR
                market.release()
                rows.append(row)
    frame = pd.DataFrame(rows)
    return frame[list(COLUMNS)]


def _measure(chain: Chain, days: int, calls: int) -> dict[str, float]:
    """Means over the transactions of a market's days from 1 to `days`."""
    frame = chain.gas_frame()
    mint = float(frame.loc[frame["action"] == "mint", "gas"].mean())
    frame = frame[frame["day"].between(1, days)]
    runs = frame[frame["action"] == "adjust"].set_index("day")
    # An instruction settles on the day after the margin run that gave it.
    settled = frame[frame["action"] == "settle_instructions"].set_index("day")["gas"]
    later = settled.rename(lambda day: day - 1).reindex(runs.index, fill_value=0)
    whole = runs["gas"] + later
    posts = frame.loc[frame["action"] == "post", "gas"].sum()
    loans = int(runs["loans"].iloc[0])
    row: dict[str, float] = {
        "days": days,
        "calls": int(calls),
        "gas_day": frame["gas"].sum() / days / loans,
        "gas_day_on_demand": float("nan"),
        "gas_call": float(whole.sum() / calls) if calls else float("nan"),
    }
    for outcome in OUTCOMES:
        mine = whole[runs["outcome"] == outcome]
        row[f"gas_{outcome.replace(' ', '_')}"] = float(mine.mean()) if len(mine) else float("nan")
    row["gas_mint"] = mint
    if loans == 1:
        called = whole[runs["outcome"] != "no call"]
        row["gas_day_on_demand"] = (posts + called.sum()) / days
    return row


def _check(
    models: Sequence[int],
    tokens: Sequence[int],
    batches: Sequence[int],
    days: int,
    gas_price: float,
    ether_price: float,
) -> None:
    for name, given, low, high in (
        ("models", models, 0, 4),
        ("tokens", tokens, 1, MAX_TOKENS - 1),
        ("batches", batches, 1, MAX_BATCH),
        ("days", [days], 3, 10_000),
    ):
        wrong = [number for number in given if not low <= number <= high]
        if wrong or not given:
            raise InputError(f"gas: {name}: expected numbers from {low} to {high}, not {given}")
    for name, price in (("gas_price", gas_price), ("ether_price", ether_price)):
        if not 0 < price < float("inf"):
            raise InputError(f"gas: {name}: expected a positive number, not {price}")


def gas_markdown(table: pd.DataFrame) -> str:
    """A gas table as it stands in `docs/contracts.md`: gas in thousands, empty where there is none.

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
    frame = pd.DataFrame(cells)
    return str(frame.to_markdown(index=False, disable_numparse=True, stralign="right"))


def _cell(number: float, places: int) -> str:
    return "" if np.isnan(number) else f"{number:,.{places}f}"
