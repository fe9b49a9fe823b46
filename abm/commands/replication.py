"""The paper's study, run on the market and held against its published tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from abm.model import CollateralMarket
from scenarios.agreement import MODELS
from scenarios.errors import InputError
from scenarios.paper import CASES, NOT_REPRODUCIBLE, NUMBER, TOKENS, Case, Profile, scenario_table
from scenarios.prices import PricePanel
from scenarios.prices.basis import basis_problem, first_day_sums
from scenarios.prices.calendars import on_calendar
from scenarios.scenario import Scenario


@dataclass(frozen=True)
class ModelResult:
    """One model in one case; money in yen."""

    model: int
    max_gap: float
    """Largest absolute gap over the steps of the window."""
    mean_gap: float
    max_gap_pct: float
    """In per cent of Model 0."""
    mean_gap_pct: float
    margin_calls: int
    issuances: int
    """By the lender; the paper counts these (section 2.3.4)."""
    borrower_issuances: int
    holdings: tuple[int, ...]
    """Tokens that the lender holds on the last day, in the order of priority. Below zero: it issued
    more than it held."""


@dataclass(frozen=True)
class CaseResult:
    """The five models in one case."""

    case: Case
    loan: int
    models: tuple[ModelResult, ...]


@dataclass(frozen=True)
class Cell:
    """A published figure beside the computed one."""

    case: int
    table: str
    statistic: str
    model: int | None
    published: str
    computed: float

    @property
    def matches(self) -> bool:
        """Whether the computed figure agrees at the precision of the published one."""
        _, _, decimals = self.published.partition(".")
        return f"{self.computed:.{len(decimals)}f}" == self.published

    @property
    def documented(self) -> str | None:
        """Why the figure is known not to be reproducible, if it is."""
        return NOT_REPRODUCIBLE.get((self.case, self.model or 0, self.statistic))


@dataclass(frozen=True)
class Replication:
    """The study on one set of prices."""

    profile: Profile
    cases: tuple[CaseResult, ...]
    skipped: tuple[tuple[int, str], ...]
    """Cases whose window the prices do not cover, and why."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All published figures of the cases that ran."""
        return tuple(cell for result in self.cases for cell in _cells(result))


def replicate(
    prices: PricePanel, profile: Profile = "paper", cases: Iterable[int] | None = None
) -> Replication:
    """Run the paper's cases.

    Args:
        prices: closes of the five tokens, in yen, on the paper's split basis.
        profile: how days without trading and returns are treated.
        cases: which of the four; all by default.

    Raises:
        InputError: the prices cover no case, or are on another split basis.
    """
    prices = prices.select(TOKENS)
    wanted = [case for case in CASES if cases is None or case.number in set(cases)]
    skipped = {}
    covered = []
    for case in wanted:
        try:
            on_calendar(prices, case.start, case.end, profile)
        except InputError as error:
            skipped[case.number] = str(error).removeprefix(f"{prices.origin}: ")
        else:
            covered.append(case)
    sums = first_day_sums(prices)
    problem = basis_problem(prices) if sums else None
    if problem is not None:
        raise InputError(problem)
    if not covered:
        raise InputError(
            f"{prices.origin}: covers none of the windows asked for; "
            + "; ".join(f"Case {number}: {reason}" for number, reason in skipped.items())
        )
    return Replication(
        profile, tuple(_run_case(case, prices, profile) for case in covered), tuple(skipped.items())
    )


def _run_case(case: Case, prices: PricePanel, profile: Profile) -> CaseResult:
    results: list[ModelResult] = []
    loan = 0
    for model in MODELS:
        scenario = Scenario.parse(scenario_table(case, model, profile), f"Case {case.number}")
        market = CollateralMarket(scenario, rng=0, prices=prices).run()
        days = market.days_frame().iloc[1:]
        loan = int(days["exposure"].iloc[0])
        worst, mean = float(days["absolute_gap"].max()), float(days["absolute_gap"].mean())
        reference = results[0] if results else None
        results.append(
            ModelResult(
                model=model,
                max_gap=worst,
                mean_gap=mean,
                max_gap_pct=100 * worst / (reference.max_gap if reference else worst),
                mean_gap_pct=100 * mean / (reference.mean_gap if reference else mean),
                margin_calls=int(days["margin_calls"].sum()),
                issuances=int(days["lender_issuances"].sum()),
                borrower_issuances=int(days["borrower_issuances"].sum()),
                holdings=tuple(
                    int(market.loans_frame()[f"posted_{token}"].iloc[0]) for token in TOKENS
                ),
            )
        )
        market.release()
    return CaseResult(case, loan, tuple(results))


def _cells(result: CaseResult) -> list[Cell]:
    case = result.case
    cells = [Cell(case.number, "Table 2", "loan", None, str(case.loan), result.loan)]
    rows = (
        ("Table 3", "maximum", case.maximum, "max_gap_pct"),
        ("Table 3", "average", case.average, "mean_gap_pct"),
        ("Table 4", "margin calls", case.margin_calls, "margin_calls"),
        ("Table 4", "issuances", case.issuances, "issuances"),
    )
    for table, statistic, published, field in rows:
        for figure, model in zip(published, result.models, strict=True):
            computed = getattr(model, field)
            cells.append(Cell(case.number, table, statistic, model.model, str(figure), computed))
    return cells


def as_json(replication: Replication) -> dict[str, Any]:
    """The replication as a JSON object; money in yen."""
    cells = replication.cells
    return {
        "profile": replication.profile,
        "cases": [
            {
                "case": result.case.number,
                "first_day_sum": round(result.loan / (0.95 * NUMBER)),
                "loan": result.loan,
                "models": [
                    {**model.__dict__, "holdings": list(model.holdings)} for model in result.models
                ],
            }
            for result in replication.cases
        ],
        "skipped": [{"case": number, "reason": why} for number, why in replication.skipped],
        "cells": {
            "compared": len(cells),
            "matched": sum(cell.matches for cell in cells),
            "documented": sum(cell.documented is not None for cell in cells),
        },
    }
