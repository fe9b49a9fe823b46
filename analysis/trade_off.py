"""What a policy costs in all, who bears it, and at which prices another one would cost less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.bootstrap import CONFIDENCE, RESAMPLES, resample_counts
from analysis.differences import paired_differences
from analysis.errors import ResultsError
from analysis.results import KEYS, varied_factors
from analysis.summary import groups, require

Floats = npt.NDArray[np.float64]

TOTAL, LENDERS, BORROWERS = "cost", "cost.lenders", "cost.borrowers"
REVENUE, PER_LOSS = "revenue", "revenue_per_loss"

ITEMS: dict[str, tuple[str, float]] = {
    "margin_call": ("margin calls", 0.5),
    "transfer": ("transfers", 0.5),
    "borrower_issuance": ("issuances by borrowers", 0.0),
    "lender_issuance": ("issuances by lenders", 1.0),
    "gas": ("gas", 0.5),
    "collateral": ("collateral", 0.0),
    "expected_loss": ("expected loss", 1.0),
    "loss": ("losses", 1.0),
    "capital": ("capital", 1.0),
}
"""What costs are made of: in words, and the part that lenders bear; borrowers bear the rest."""

PRICES: dict[str, tuple[str, ...]] = {
    "margin_call": ("margin_call",),
    "transfer": ("transfer",),
    "issuance": ("borrower_issuance", "lender_issuance"),
    "collateral": ("collateral",),
    "default_rate": ("expected_loss",),
}
"""Prices at which an order of policies may turn, and the items that are in proportion to them."""


class UnitCosts(NamedTuple):
    """Prices of what a run of a design counts, as `scenarios.costs.Costs` describes them."""

    years: float
    """That the run stands for, by the calendar."""
    margin_call: float = 0.0
    transfer: float = 0.0
    issuance: float = 0.0
    money_per_gas: float = 0.0
    collateral: float = 0.0
    default_rate: float = 0.0
    capital: float = 0.0
    """Leverage ratio times cost of capital, for a year."""

    @property
    def by_item(self) -> dict[str, float]:
        """Price of a unit of each item."""
        of = self._asdict()
        own = {item: of[price] for price, items in PRICES.items() for item in items}
        return {**own, "gas": self.money_per_gas, "loss": 1.0, "capital": self.capital}


def quantities(runs: pd.DataFrame, years: float) -> pd.DataFrame:
    """What each item of a run counts, for what is lent in a year.

    Args:
        runs: one row a run, with the columns that every run has.
        years: that each of them stands for.

    Returns:
        by item of `ITEMS`, ten thousand times its quantity over lent money and year: times a price
        that is a cost in basis points, for a year, of what is lent.

    Raises:
        ResultsError: a column is missing.
    """
    of: dict[str, str] = {
        "margin_call": "margin_calls",
        "transfer": "transfers",
        "borrower_issuance": "borrower_issuances",
        "lender_issuance": "lender_issuances",
        "gas": "gas",
        "loss": "close_out_loss",
    }
    stands = {
        "collateral": "collateral_value_mean",
        "expected_loss": "uncollateralised_before_mean",
        "capital": "uncollateralised_after_mean",
    }
    require(runs, [*of.values(), *stands.values(), "lent_mean"])
    table = {item: runs[column] for item, column in of.items()}
    table |= {item: runs[column] * years for item, column in stands.items()}
    if "leverage_assets_mean" in runs:
        table["capital"] = table["capital"] + runs["leverage_assets_mean"] * years
    lent = (runs["lent_mean"] * years).where(runs["lent_mean"] > 0)
    return pd.DataFrame({item: 1e4 * table[item] / lent for item in ITEMS})


def with_costs(runs: pd.DataFrame, prices: Mapping[Any, UnitCosts]) -> pd.DataFrame:
    """The runs with what they cost, in basis points for a year of what is lent.

    Args:
        runs: one row a run.
        prices: by `scenario_id`.

    Returns:
        The runs of designs with prices; beside their columns `cost` in all, `cost.` and each of
        `ITEMS`, and `cost.lenders`, `cost.borrowers`, who bear it. Where earnings are measured
        (`abm.measures.earnings`) also `revenue`, what lenders keep, and `revenue_per_loss`, that
        over expected and realised losses together.

    Raises:
        ResultsError: a column is missing.
    """
    tables = []
    for design, group in runs.groupby(KEYS[0], sort=False):
        if design not in prices:
            continue
        given = prices[design]
        if given.capital and "leverage_assets_mean" not in group:
            raise ResultsError(
                "capital: needs abm.measures.capital:leverage_assets among the scenario's measures"
            )
        counted = quantities(group, given.years)
        each = {item: price * counted[item] for item, price in given.by_item.items()}
        columns: dict[str, Any] = {f"{TOTAL}.{item}": each[item] for item in ITEMS}
        table = pd.DataFrame(each)[list(ITEMS)]
        columns[TOTAL] = table.sum(axis=1, skipna=False)
        columns[LENDERS] = table @ np.array([part for _, part in ITEMS.values()])
        columns[BORROWERS] = columns[TOTAL] - columns[LENDERS]
        if "lenders_revenue" in group:
            lent = group["lent_mean"] * given.years
            columns[REVENUE] = 1e4 * group["lenders_revenue"] / lent
            lost = each["expected_loss"] + each["loss"]
            columns[PER_LOSS] = columns[REVENUE] / lost.where(lost > 0)
        tables.append(group.assign(**columns))
    return pd.concat(tables) if tables else runs.iloc[:0]


def trade_off(
    runs: pd.DataFrame,
    prices: Mapping[Any, UnitCosts],
    factor: str,
    level: Any,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """What one level of a factor costs less or more than each other, and where that turns.

    Costs are linear in prices, and no run depends on them. So the difference of mean costs is, too,
    and with a price `p` in the place of today's `p0` it is `D + (p - p0) · dQ`, with the difference
    `dQ` of quantities: it is zero at `p0 - D / dQ`. All other factors and the random numbers are
    held equal (`analysis.differences`).

    Args:
        runs: one row a run.
        prices: by `scenario_id`; the same for all levels.
        factor: column of the policies.
        level: the one that is compared with the others.
        resamples: number of bootstrap resamples of replications; intervals are to cover 95 %.
        seed: of their draw.

    Returns:
        a row a combination of the other factors and other level: these, `other`, `pairs`,
        `difference` of costs (level less other), `low`, `high`, `sources`; for each of `PRICES`
        `at.` and its name, the price at which the two cost the same, others as they are (NaN if
        there is none from zero on), and `low.`, `high.` of it: quantiles over resamples, those
        without such a price taken as infinite; `cheapest`, the share of resamples in which the
        level costs the least of all.

    Raises:
        ResultsError: no such column or level, or levels with prices of their own.
    """
    costs = with_costs(runs, prices)
    require(costs, [factor])
    if level not in costs[factor].tolist():
        known = ", ".join(map(str, costs[factor].unique()))
        raise ResultsError(f"{factor} has no level {level!r} (there are: {known})")
    options: dict[str, Any] = {"resamples": resamples, "seed": seed}
    names = [TOTAL, *(f"{TOTAL}.{item}" for item in ITEMS)]
    table = paired_differences(costs, factor, names, baseline=level, **options)
    others = [name for name in varied_factors(costs) if name != factor]
    rows: list[dict[str, Any]] = []
    for key, block in groups(costs, others):
        if len({prices[design] for design in block[KEYS[0]].unique()}) > 1:
            raise ResultsError(f"costs: prices differ between levels of {factor}")
        wide = _by_level(block, factor)
        if level not in wide:
            continue
        cheapest = _cheapest(wide, level, resamples, seed)
        head = dict(zip(others, key, strict=True))
        of_block = table
        for name, value in head.items():
            of_block = of_block[of_block[name] == value]
        for other in wide:
            if other == level:
                continue
            found = of_block[(of_block["level"] == other) & (of_block["metric"] == TOTAL)].iloc[0]
            turns = _turns(block, prices, (wide[level], wide[other]), options)
            rows.append(
                {
                    **head,
                    "other": other,
                    "pairs": found["pairs"],
                    "difference": -found["difference"],
                    "low": -found["high"],
                    "high": -found["low"],
                    "sources": found["sources"],
                    **turns,
                    "cheapest": cheapest,
                }
            )
    return pd.DataFrame(rows)


def _by_level(block: pd.DataFrame, factor: str) -> dict[Any, pd.DataFrame]:
    """Runs by level, rows by replication; only replications that all levels have."""
    wide = {
        level: group.drop_duplicates(KEYS[1]).set_index(KEYS[1])
        for level, group in block.groupby(factor)
    }
    shared = sorted(set.intersection(*(set(one.index) for one in wide.values())))
    return {level: one.loc[shared] for level, one in wide.items()}


def _cheapest(wide: Mapping[Any, pd.DataFrame], level: Any, resamples: int, seed: int) -> float:
    """Share of resamples in which no other level costs less; NaN for one replication."""
    totals = np.column_stack([one[TOTAL].to_numpy(np.float64) for one in wide.values()])
    if len(totals) < 2:
        return float("nan")
    means = resample_counts(len(totals), resamples, seed) @ totals / len(totals)
    mine = list(wide).index(level)
    return float((means[:, mine] <= means.min(axis=1)).mean())


def _turns(
    block: pd.DataFrame,
    prices: Mapping[Any, UnitCosts],
    sides: tuple[pd.DataFrame, pd.DataFrame],
    options: Mapping[str, Any],
) -> dict[str, float]:
    """At which price, all others as they are, two levels cost the same."""
    mine, other = sides
    given = prices[block[KEYS[0]].iloc[0]]
    total = (mine[TOTAL] - other[TOTAL]).to_numpy(np.float64)
    counts = [quantities(one, given.years) for one in sides]
    found: dict[str, float] = {}
    for price, items in PRICES.items():
        less = sum((counts[0][item] - counts[1][item]).to_numpy(np.float64) for item in items)
        today = getattr(given, price)
        found[f"at.{price}"] = float(_at(total.mean(), np.mean(less), today))
        low = high = float("nan")
        if len(total) > 1 and np.isfinite(found[f"at.{price}"]):
            drawn = resample_counts(len(total), options["resamples"], options["seed"])
            at = _at(drawn @ total / len(total), drawn @ less / len(total), today)
            at = np.sort(np.where(np.isfinite(at), at, np.inf))
            tail = (1 - CONFIDENCE) / 2
            low = float(at[int(np.floor(tail * (len(at) - 1)))])
            high = float(at[int(np.ceil((1 - tail) * (len(at) - 1)))])
        found |= {f"low.{price}": low, f"high.{price}": high}
    return found


def _at(total: Any, less: Any, today: float) -> Any:
    """The price at which a difference is zero; NaN where none from zero on makes it so."""
    total, less = np.asarray(total, np.float64), np.asarray(less, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = today - total / less
    return np.where(np.isfinite(at) & (at >= 0), at, np.nan)
