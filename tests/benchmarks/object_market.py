"""The market written plainly, one Mesa agent a loan, to compare with: Model 2's rules.

It does by the book what the columns do: wallets by token name, one checked transfer primitive,
conservation and the same statistics every day, reported by Mesa's collector. It knows no lags,
limits, defaults or events.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import mesa
import numpy as np

Wallet = defaultdict[str, int]
COUNTS = (
    "margin_calls",
    "delivery_calls",
    "return_calls",
    "deliveries",
    "returns",
    "transfers",
    "borrower_issuances",
)
VALUES = (
    "delivery_call_value",
    "return_call_value",
    "delivered_value",
    "returned_value",
    "borrower_issued_value",
)


class PlainBorrower(mesa.Agent):
    """A borrower with a wallet."""

    def __init__(self, model: PlainMarket):
        super().__init__(model)
        self.wallet: Wallet = defaultdict(int)


class PlainLoan(mesa.Agent):
    """A loan that margins itself."""

    model: PlainMarket

    def __init__(
        self,
        model: PlainMarket,
        lender: int,
        borrower: PlainBorrower,
        exposure: int,
        required: int,
        collateral: dict[str, int],
    ):
        super().__init__(model)
        self.lender = lender
        self.borrower = borrower
        self.exposure = exposure
        self.required = required
        self.collateral: Wallet = defaultdict(int, collateral)

    @property
    def value(self) -> int:
        """Market value of the collateral."""
        return sum(self.model.prices[token] * n for token, n in self.collateral.items())

    def return_excess(self) -> None:
        """Return what is too much of the collateral, last priority first."""
        count = self.model.count
        count["margin_calls"] += 1
        excess = self.value - self.required
        if excess <= 0:
            return
        count["return_calls"] += 1
        count["return_call_value"] += excess
        returned = 0
        for token in reversed(self.model.priority):
            held = self.collateral[token]
            number = min(excess // self.model.prices[token], held)
            self.model.transfer(self.collateral, self.borrower.wallet, token, number)
            excess -= number * self.model.prices[token]
            returned += number * self.model.prices[token]
            if number < held or excess <= 0:
                break
        count["returns"] += returned > 0
        count["returned_value"] += returned

    def deliver(self) -> None:
        """Deliver what is missing: from the wallet by priority, then newly issued."""
        missing = self.required - self.value
        if missing <= 0:
            return
        count, prices, wallet = self.model.count, self.model.prices, self.borrower.wallet
        count["delivery_calls"] += 1
        count["delivery_call_value"] += missing
        chosen: Wallet = defaultdict(int)
        for token in self.model.priority:
            chosen[token] = min(-(-missing // prices[token]), wallet[token])
            missing -= chosen[token] * prices[token]
            if missing <= 0:
                break
        if missing > 0:
            first = self.model.priority[0]
            number = -(-missing // prices[first])
            self.model.mint(wallet, first, number)
            chosen[first] += number
            count["borrower_issuances"] += 1
            count["borrower_issued_value"] += number * prices[first]
        for token, number in chosen.items():
            self.model.transfer(wallet, self.collateral, token, number)
            count["delivered_value"] += number * prices[token]
        count["deliveries"] += 1


class PlainMarket(mesa.Model):
    """Loans with the parties, requirements and collateral of a market built in columns."""

    def __init__(
        self,
        tokens: tuple[str, ...],
        path: np.ndarray,
        haircut: float,
        unit: float,
        lender: np.ndarray,
        borrower: np.ndarray,
        exposure: np.ndarray,
        required: np.ndarray,
        posted: np.ndarray,
    ):
        super().__init__(rng=0)
        self.haircut = haircut
        self.unit = unit
        self.priority = tokens[:-1]
        self.path = [dict(zip(tokens, row, strict=True)) for row in path.tolist()]
        self.day = 0
        self.prices = self.path[0]
        self.count: dict[str, int] = {}
        self.minted = dict(zip(tokens, posted.sum(axis=0).tolist(), strict=True))
        self.borrowers = [PlainBorrower(self) for _ in range(int(borrower.max()) + 1)]
        columns = (lender, borrower, exposure, required, posted)
        self.loans = [
            PlainLoan(self, who, self.borrowers[b], e, r, dict(zip(tokens, held, strict=True)))
            for who, b, e, r, held in zip(*(column.tolist() for column in columns), strict=True)
        ]
        self.loan_agents = self.agents_by_type[PlainLoan]
        self.datacollector = mesa.DataCollector(reporters())

    def transfer(self, source: Wallet, target: Wallet, token: str, number: int) -> None:
        """Move tokens that the source holds."""
        if not 0 <= number <= source[token]:
            raise ValueError(f"cannot move {number} {token} of {source[token]}")
        source[token] -= number
        target[token] += number
        self.count["transfers"] += number > 0

    def mint(self, wallet: Wallet, token: str, number: int) -> None:
        """Issue tokens."""
        self.minted[token] += number
        wallet[token] += number

    def check_conservation(self) -> None:
        """Every token minted is in one place."""
        for token, minted in self.minted.items():
            held = sum(loan.collateral[token] for loan in self.loans)
            held += sum(borrower.wallet[token] for borrower in self.borrowers)
            if held != minted:
                raise ValueError(f"{minted} {token} minted, {held} held")

    def gaps(self) -> list[float]:
        """Collateral value after haircut less exposure, of each loan."""
        return [(1 - self.haircut) * loan.value - loan.exposure for loan in self.loans]

    def step(self) -> None:
        """One day: all returns, then all deliveries."""
        self.day += 1
        self.prices = self.path[self.day]
        self.count = dict.fromkeys((*COUNTS, *VALUES), 0)
        self.loan_agents.do("return_excess")
        self.loan_agents.do("deliver")
        self.check_conservation()
        self.datacollector.collect(self)


def reporters() -> dict[str, Callable[[PlainMarket], float]]:
    """The statistics of a day, by the names of `abm.columns.DAYS`; money in money."""
    gaps: list[float] = []

    def gap(market: PlainMarket) -> float:
        gaps[:] = market.gaps()  # the reporters behind this one use them, too
        return sum(gaps) * market.unit

    def of_gaps(statistic: Callable[[list[float]], float]) -> Callable[[PlainMarket], float]:
        return lambda market: statistic(gaps) * market.unit

    told: dict[str, Callable[[PlainMarket], float]] = {
        "exposure": lambda m: sum(loan.exposure for loan in m.loans) * m.unit,
        "collateral_value": lambda m: sum(loan.value for loan in m.loans) * m.unit,
        "gap": gap,
        "absolute_gap": of_gaps(lambda g: sum(map(abs, g))),
        "uncollateralised_exposure": of_gaps(lambda g: sum(max(-x, 0) for x in g)),
        "uncollateralised_max": of_gaps(lambda g: max(0, -min(g))),
        "uncollateralised_es": of_gaps(_expected_shortfall),
        "uncollateralised_loans": lambda m: sum(x < 0 for x in gaps),
        "over_collateralisation": of_gaps(lambda g: sum(max(x, 0) for x in g)),
        "over_collateralisation_max": of_gaps(lambda g: max(0, *g)),
        "hhi_lenders": lambda m: _concentration((loan.lender, loan.exposure) for loan in m.loans),
        "hhi_collateral": lambda m: _concentration(
            (token, number * m.prices[token])
            for loan in m.loans
            for token, number in loan.collateral.items()
        ),
        "wallet_value": lambda m: sum(
            m.prices[token] * who.wallet[token] for who in m.borrowers for token in m.priority
        )
        * m.unit,
    }
    for name in COUNTS:
        told[name] = lambda m, name=name: m.count[name]  # type: ignore[misc]
    for name in VALUES:
        told[name] = lambda m, name=name: m.count[name] * m.unit  # type: ignore[misc]
    return told


def _expected_shortfall(gaps: list[float], tail: float = 0.025) -> float:
    """Mean of the largest 2.5 % of the uncollateralised exposures."""
    k = tail * len(gaps)
    losses = sorted((max(-gap, 0) for gap in gaps), reverse=True)[: math.ceil(k)]
    return (sum(losses) - (len(losses) - k) * losses[-1]) / k


def _concentration(values: Iterable[tuple[object, int]]) -> float:
    """Sum of the squared shares."""
    sums: dict[object, int] = defaultdict(int)
    for key, value in values:
        sums[key] += value
    total = sum(sums.values())
    return sum((value / total) ** 2 for value in sums.values())
