"""The market written plainly, one Mesa agent a loan, to compare with.

It does by the book what the columns do for agreements that settle on the day: participants with
wallets by token name, a custodian that mints and burns, an oracle to be asked for prices, one
checked transfer primitive, conservation and the same statistics every day, reported by Mesa's
collector. It knows no lags, limits, defaults or events.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import mesa
import numpy as np

from abm.opening.streams import RunSeed
from scenarios.agreement import CollateralAgreement, exact

if TYPE_CHECKING:
    from abm.model import CollateralMarket
    from scenarios.scenario import Scenario

Wallet = defaultdict[str, int]
COUNTS = (
    "margin_calls",
    "delivery_calls",
    "return_calls",
    "deliveries",
    "returns",
    "transfers",
    "borrower_issuances",
    "lender_issuances",
)
VALUES = (
    "delivery_call_value",
    "return_call_value",
    "delivered_value",
    "returned_value",
    "borrower_issued_value",
    "lender_issued_value",
)


class PlainOracle(mesa.Agent):
    """Publishes prices."""

    def __init__(self, model: PlainMarket, path: list[dict[str, int]]):
        super().__init__(model)
        self.path = path
        self.prices = path[0]

    def publish(self, day: int) -> None:
        """Go on to the prices of a day."""
        self.prices = self.path[day]

    def price(self, token: str) -> int:
        """Today's price, in money units."""
        return self.prices[token]

    def value(self, wallet: Wallet) -> int:
        """Market value of some tokens, in money units."""
        return sum(number * self.price(token) for token, number in wallet.items())


class PlainCustodian(mesa.Agent):
    """Issues and redeems tokens."""

    def __init__(self, model: PlainMarket, outstanding: dict[str, int]):
        super().__init__(model)
        self.outstanding = outstanding

    def mint(self, wallet: Wallet, token: str, number: int) -> None:
        """Issue tokens."""
        self.outstanding[token] += number
        wallet[token] += number

    def burn(self, wallet: Wallet, token: str, number: int) -> None:
        """Redeem tokens that the wallet holds."""
        if not 0 <= number <= wallet[token]:
            raise ValueError(f"cannot redeem {number} {token} of {wallet[token]}")
        self.outstanding[token] -= number
        wallet[token] -= number


class PlainParticipant(mesa.Agent):
    """A lender or borrower with a wallet."""

    def __init__(self, model: PlainMarket):
        super().__init__(model)
        self.wallet: Wallet = defaultdict(int)


class PlainLoan(mesa.Agent):
    """A loan that margins itself."""

    model: PlainMarket

    def __init__(
        self,
        model: PlainMarket,
        lender: PlainParticipant,
        borrower: PlainParticipant,
        agreement: CollateralAgreement,
        exposure: int,
        collateral: dict[str, int],
    ):
        super().__init__(model)
        self.lender = lender
        self.borrower = borrower
        self.agreement = agreement
        self.exposure = exposure
        self.collateral: Wallet = defaultdict(int, collateral)
        self.ratio = float(agreement.collateral_ratio)
        required, trigger = exposure * agreement.collateral_ratio, exact(agreement.trigger)
        self.required = math.ceil(required)
        self.slack = float((self.required - required) / agreement.collateral_ratio)
        self.lower = math.ceil(required * (1 - trigger))
        self.upper = math.floor(required * (1 + trigger))
        self.priority = agreement.eligible(model.tokens, model.tokens[-1])
        if agreement.adjustment == "single":
            self.priority = self.priority[:1]
        self.advanced = 0
        self.missing = 0
        self.value = model.oracle.value(self.collateral)

    @property
    def gap(self) -> float:
        """Collateral after haircut less exposure, in money units."""
        return (self.value - self.required) / self.ratio + self.slack

    def whole_tokens(self, value: int, token: str, rounding: str) -> int:
        """Number of tokens that a value comes to."""
        price = self.model.oracle.price(token)
        return -(-value // price) if rounding == "up" else value // price

    def whole_tokens_back(self, value: int, token: str) -> int:
        """Number of tokens that go back: rounding up takes a quarter of the requirement at most."""
        number = self.whole_tokens(value, token, self.agreement.return_rounding)
        beyond = number * self.model.oracle.price(token) - value
        if beyond > self.required // 4:
            number = self.whole_tokens(value, token, "down")
        return number

    def called(self) -> bool:
        """Whether the collateral has left the band of the agreement."""
        if self.agreement.trigger == 0:
            return True
        return not self.lower <= self.value <= self.upper

    def margin(self) -> None:
        """Value the collateral, and return what is too much of it, last priority first."""
        self.value = self.model.oracle.value(self.collateral)
        self.value -= self.advanced * self.model.oracle.price(self.priority[0])
        self.missing = 0
        if not self.called():
            return
        self.missing = self.required - self.value
        count = self.model.count
        count["margin_calls"] += 1
        if self.missing >= 0:
            return
        excess = -self.missing
        count["return_calls"] += 1
        count["return_call_value"] += excess
        returned = 0
        for token in reversed(self.priority):
            price, held = self.model.oracle.price(token), self.collateral[token]
            wanted = self.whole_tokens_back(excess, token)
            number = min(wanted, held)
            self.model.transfer(self.collateral, self.borrower.wallet, token, number)
            count["transfers"] += number > 0
            returned += number * price
            excess -= number * price
            if number < held or excess <= 0:
                excess = 0
                break
        self.value -= returned
        if excess > 0 and self.agreement.lender_issuance:
            returned += self.issue(excess)
        count["returns"] += returned > 0
        count["returned_value"] += returned

    def issue(self, excess: int) -> int:
        """The lender, out of collateral, issues the rest of a return; gives its value."""
        first = self.priority[0]
        number = self.whole_tokens_back(excess, first)
        if number == 0:
            return 0
        self.model.custodian.mint(self.lender.wallet, first, number)
        self.model.transfer(self.lender.wallet, self.borrower.wallet, first, number)
        self.advanced += number
        self.model.count["transfers"] += 1
        self.model.count["lender_issuances"] += 1
        value = number * self.model.oracle.price(first)
        self.model.count["lender_issued_value"] += value
        return value

    def deliver(self) -> None:
        """Deliver what is missing: from the wallet by priority, then newly issued."""
        missing = self.missing
        if missing <= 0:
            return
        count, oracle, wallet = self.model.count, self.model.oracle, self.borrower.wallet
        rounding = self.agreement.delivery_rounding
        count["delivery_calls"] += 1
        count["delivery_call_value"] += missing
        chosen: Wallet = defaultdict(int)
        for token in self.priority:
            here, price = wallet[token], oracle.price(token)
            if missing <= here * price:
                # The rest, if it is rounded down, is less than the token that is left.
                chosen[token] = self.whole_tokens(missing, token, rounding)
                missing = 0
                break
            chosen[token] = here
            missing -= here * price
        first = self.priority[0]
        if missing > 0:
            number = self.whole_tokens(missing, first, rounding)
            self.model.custodian.mint(wallet, first, number)
            chosen[first] += number
            count["borrower_issuances"] += number > 0
            count["borrower_issued_value"] += number * oracle.price(first)
        delivered = oracle.value(chosen)
        for token, number in chosen.items():
            count["transfers"] += number > 0
            repaid = min(number, self.advanced) if token == first else 0
            self.advanced -= repaid
            self.model.custodian.burn(wallet, token, repaid)
            self.model.transfer(wallet, self.collateral, token, number - repaid)
        self.value += delivered
        count["deliveries"] += delivered > 0
        count["delivered_value"] += delivered


class PlainMarket(mesa.Model):
    """The loans of a market in columns on its first day, as objects."""

    def __init__(self, market: CollateralMarket):
        super().__init__(rng=0)
        self.tokens, self.unit = market.tokens, market.unit
        self.day = 0
        self.count: dict[str, int] = {}
        path = [self._named(row) for row in market.path.tolist()]
        self.oracle = PlainOracle(self, path)
        outstanding = market.ledger.arrays.balance.sum(axis=0).tolist()
        self.custodian = PlainCustodian(self, self._named(outstanding))
        self.participants = []
        for wallet in market.ledger.wallets.tolist():
            self.participants.append(PlainParticipant(self))
            self.participants[-1].wallet.update(self._named(wallet))
        accounts = market.books.accounts
        columns = (accounts.lender, accounts.borrower, accounts.exposure, market.ledger.collateral)
        self.loans = [
            PlainLoan(
                self,
                self.participants[lender],
                self.participants[borrower],
                market.scenario.agreement,
                exposure,
                self._named(held),
            )
            for lender, borrower, exposure, held in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]
        self.loan_agents = self.agents_by_type[PlainLoan]
        self.datacollector = mesa.DataCollector(reporters())

    def _named(self, numbers: list[int]) -> dict[str, int]:
        return dict(zip(self.tokens, numbers, strict=True))

    def transfer(self, source: Wallet, target: Wallet, token: str, number: int) -> None:
        """Move tokens that the source holds."""
        if not 0 <= number <= source[token]:
            raise ValueError(f"cannot move {number} {token} of {source[token]}")
        source[token] -= number
        target[token] += number

    def check_conservation(self) -> None:
        """Every token outstanding is in one place."""
        for token, outstanding in self.custodian.outstanding.items():
            held = sum(loan.collateral[token] for loan in self.loans)
            held += sum(who.wallet[token] for who in self.participants)
            if held != outstanding:
                raise ValueError(f"{outstanding} {token} outstanding, {held} held")

    def step(self) -> None:
        """One day: all returns, then all deliveries."""
        self.day += 1
        self.count = dict.fromkeys((*COUNTS, *VALUES), 0)
        self.oracle.publish(self.day)
        self.loan_agents.do("margin")
        self.loan_agents.do("deliver")
        self.check_conservation()
        self.datacollector.collect(self)


class PlainRun(PlainMarket):
    """A run of a scenario, as Mesa's batch runner makes it; `replication` is its seed."""

    def __init__(self, scenario: Scenario, replication: int):
        from abm.model import CollateralMarket

        market = CollateralMarket(scenario, rng=RunSeed(1, replication, replication))
        super().__init__(market)
        self.last = len(market.days) - 1
        market.release()

    def step(self) -> None:
        """One day; it stops after the last one."""
        super().step()
        self.running = self.day < self.last


def reporters() -> dict[str, Callable[[PlainMarket], float]]:
    """The statistics of a day, by the names of `abm.measures.standard`; money in money."""
    told: dict[str, Callable[[PlainMarket], float]] = {
        "exposure": lambda m: sum(loan.exposure for loan in m.loans) * m.unit,
        "collateral_value": lambda m: sum(loan.value for loan in m.loans) * m.unit,
        "gap": lambda m: sum(loan.gap for loan in m.loans) * m.unit,
        "absolute_gap": lambda m: sum(abs(loan.gap) for loan in m.loans) * m.unit,
        "uncollateralised_after": lambda m: sum(_uncovered(m)) * m.unit,
        "uncollateralised_after_largest": lambda m: max(_uncovered(m)) * m.unit,
        "uncollateralised_after_es": lambda m: _expected_shortfall(_uncovered(m)) * m.unit,
        "uncollateralised_after_loans": lambda m: sum(missing > 0 for missing in _uncovered(m)),
        "requirement_shortfall": lambda m: sum(_short(m)) * m.unit,
        "requirement_shortfall_max": lambda m: max(_short(m)) * m.unit,
        "over_collateralisation": lambda m: sum(max(loan.gap, 0) for loan in m.loans) * m.unit,
        "over_collateralisation_max": lambda m: max(max(loan.gap, 0) for loan in m.loans) * m.unit,
        "hhi_lenders": lambda m: _concentration((loan.lender, loan.exposure) for loan in m.loans),
        "hhi_collateral": lambda m: _concentration(
            (token, number * m.oracle.price(token))
            for loan in m.loans
            for token, number in loan.collateral.items()
        ),
        "wallet_value": lambda m: (
            sum(
                m.oracle.price(token) * who.wallet[token]
                for who in m.participants
                for token in m.tokens[:-1]
            )
            * m.unit
        ),
    }
    for name in COUNTS:
        told[name] = lambda m, name=name: m.count[name]  # type: ignore[misc]
    for name in VALUES:
        told[name] = lambda m, name=name: m.count[name] * m.unit  # type: ignore[misc]
    return told


def _uncovered(market: PlainMarket) -> list[int]:
    """Uncollateralised exposure of every loan at market value, in money units."""
    return [max(loan.exposure - loan.value, 0) for loan in market.loans]


def _short(market: PlainMarket) -> list[float]:
    """What every loan lacks of its requirement, in money units."""
    return [max(-loan.gap, 0) for loan in market.loans]


def _expected_shortfall(losses: list[float], tail: float = 0.025) -> float:
    """Mean of the largest 2.5 % of the losses."""
    k = tail * len(losses)
    largest = sorted(losses, reverse=True)[: math.ceil(k)]
    return (sum(largest) - (len(largest) - k) * largest[-1]) / k


def _concentration(values: Iterable[tuple[object, int]]) -> float:
    """Sum of the squared shares."""
    sums: dict[object, int] = defaultdict(int)
    for key, value in values:
        sums[key] += value
    total = sum(sums.values())
    return sum((value / total) ** 2 for value in sums.values())


def compare(market: CollateralMarket, plain: PlainMarket) -> None:
    """Hold the two against each other, after as many days.

    Raises:
        AssertionError: they differ in a token or in a statistic.
    """
    held = [[loan.collateral[token] for token in plain.tokens] for loan in plain.loans]
    assert held == market.ledger.collateral.tolist(), "collateral"
    wallets = [[who.wallet[token] for token in plain.tokens] for who in plain.participants]
    assert wallets == market.ledger.wallets.tolist(), "wallets"
    days = market.days_frame().iloc[1:]
    for name, told in plain.datacollector.model_vars.items():
        np.testing.assert_allclose(days[name], told, rtol=1e-9, atol=market.unit, err_msg=name)
