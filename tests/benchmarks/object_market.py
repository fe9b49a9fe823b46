"""The market written plainly, one Mesa agent a loan, to compare with: Model 2's rules.

It does by the book what the columns do: wallets by token name, one checked transfer primitive,
conservation and the main statistics every day. It knows no lags, limits, defaults or events.
"""

from __future__ import annotations

from collections import defaultdict

import mesa
import numpy as np

Wallet = defaultdict[str, int]


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
        borrower: PlainBorrower,
        exposure: int,
        required: int,
        collateral: dict[str, int],
    ):
        super().__init__(model)
        self.borrower = borrower
        self.exposure = exposure
        self.required = required
        self.collateral: Wallet = defaultdict(int, collateral)
        self.calls = 0

    @property
    def value(self) -> int:
        """Market value of the collateral."""
        return sum(self.model.prices[token] * n for token, n in self.collateral.items())

    @property
    def gap(self) -> float:
        """Collateral value after haircut less exposure."""
        return (self.value - self.required) * (1 - self.model.haircut)

    def return_excess(self) -> None:
        """Return what is too much of the collateral, last priority first."""
        self.calls += 1
        excess = self.value - self.required
        for token in reversed(self.model.priority):
            if excess <= 0:
                return
            held = self.collateral[token]
            number = min(excess // self.model.prices[token], held)
            self.model.transfer(self.collateral, self.borrower.wallet, token, number)
            excess -= number * self.model.prices[token]
            if number < held:
                return

    def deliver(self) -> None:
        """Deliver what is missing: from the wallet by priority, then newly issued."""
        missing = self.required - self.value
        wallet = self.borrower.wallet
        for token in self.model.priority:
            if missing <= 0:
                return
            number = min(-(-missing // self.model.prices[token]), wallet[token])
            self.model.transfer(wallet, self.collateral, token, number)
            missing -= number * self.model.prices[token]
        if missing > 0:
            first = self.model.priority[0]
            number = -(-missing // self.model.prices[first])
            self.model.mint(wallet, first, number)
            self.model.transfer(wallet, self.collateral, first, number)


class PlainMarket(mesa.Model):
    """Loans with the parties, requirements and collateral of a market built in columns."""

    def __init__(
        self,
        tokens: tuple[str, ...],
        path: np.ndarray,
        haircut: float,
        borrower: np.ndarray,
        exposure: np.ndarray,
        required: np.ndarray,
        posted: np.ndarray,
    ):
        super().__init__(rng=0)
        self.haircut = haircut
        self.priority = tokens[:-1]
        self.path = [dict(zip(tokens, row, strict=True)) for row in path.tolist()]
        self.day = 0
        self.prices = self.path[0]
        self.minted = dict(zip(tokens, posted.sum(axis=0).tolist(), strict=True))
        self.borrowers = [PlainBorrower(self) for _ in range(int(borrower.max()) + 1)]
        columns = (borrower, exposure, required, posted)
        self.loans = [
            PlainLoan(self, self.borrowers[b], e, r, dict(zip(tokens, held, strict=True)))
            for b, e, r, held in zip(*(column.tolist() for column in columns), strict=True)
        ]
        self.loan_agents = self.agents_by_type[PlainLoan]
        self.datacollector = mesa.DataCollector(
            {
                "exposure": lambda m: sum(loan.exposure for loan in m.loans),
                "collateral_value": lambda m: sum(loan.value for loan in m.loans),
                "uncollateralised_exposure": lambda m: sum(max(-loan.gap, 0) for loan in m.loans),
                "over_collateralisation": lambda m: sum(max(loan.gap, 0) for loan in m.loans),
                "margin_calls": lambda m: sum(loan.calls for loan in m.loans),
            }
        )

    def transfer(self, source: Wallet, target: Wallet, token: str, number: int) -> None:
        """Move tokens that the source holds."""
        if not 0 <= number <= source[token]:
            raise ValueError(f"cannot move {number} {token} of {source[token]}")
        source[token] -= number
        target[token] += number

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

    def step(self) -> None:
        """One day: all returns, then all deliveries."""
        self.day += 1
        self.prices = self.path[self.day]
        self.loan_agents.do("return_excess")
        self.loan_agents.do("deliver")
        self.check_conservation()
        self.datacollector.collect(self)
