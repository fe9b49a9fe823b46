"""What a scenario says of balance sheets, in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt

from abm.books.ledger import LARGEST_VALUE, UNLIMITED, Ledger
from abm.books.population import Population
from abm.books.sheet import Policies
from abm.opening.exact import times
from scenarios.agreement import CollateralAgreement, exact
from scenarios.balance import BalanceSheet
from scenarios.checking import checked
from scenarios.errors import InputError, named, refuse_unpriced
from scenarios.participants import Role
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FREE_OF_LIMITS = BalanceSheet()


def policies_of(
    scenario: Scenario, population: Population, ledger: Ledger, used: Ints, prices: Ints
) -> Policies:
    """What each participant's balance sheet begins with, and what it does about it.

    Args:
        scenario: its `balance`.
        population: its participants.
        ledger: whose capacities are what is outside, where the scenario says nothing else of it.
        used: what each participant lends and posts at the opening, shape (participants, tokens).
        prices: true ones, shape (days, tokens).

    Raises:
        InputError: it names a participant or token that is not, or what cannot be.
    """
    tables = _tables(scenario.balance, population)
    tokens, number = ledger.tokens, len(tables)
    places = {id(table): _order(table, tokens, name) for name, table in scenario.balance.items()}
    shares = {id(table): _shares(table, tokens, name) for name, table in scenario.balance.items()}
    nowhere, nothing = np.zeros(len(tokens), np.int64), np.zeros(len(tokens))

    def limits(field: str, missing: float = np.inf) -> Floats:
        given = [getattr(table, field) for table in tables]
        return np.array([missing if value is None else value for value in given], np.float64)

    raised = {None: 0} | {haircut: 1 + at for at, haircut in enumerate(raised_haircuts(scenario))}
    limit, target = limits("leverage_limit"), limits("leverage_target")
    lines = [table.credit_line for table in tables]
    policies = Policies(
        outside=np.stack([_outside(table, tokens, used[row]) for row, table in enumerate(tables)]),
        credit_line=np.array([np.inf if line == "unlimited" else line for line in lines]),
        leverage=limits("leverage", np.nan),
        invest=limits("invest"),
        reinvest=limits("reinvest"),
        reinvest_term=np.array([table.reinvest_term for table in tables], np.int64),
        portfolio=np.stack([shares.get(id(table), nothing) for table in tables]),
        short=limits("short"),
        buy_in_days=limits("buy_in_days"),
        raises_funds=np.array([table.raises_funds for table in tables], np.bool_),
        leverage_limit=limit,
        leverage_target=np.where(np.isinf(target), limit, target),
        liquidation=np.stack([places.get(id(table), nowhere) for table in tables]),
        withdraw_leverage=limits("withdraw_leverage"),
        withdraw_volatility=limits("withdraw_volatility"),
        withdraw_liquidity=limits("withdraw_liquidity", 0.0),
        raised=np.array([raised[table.raised_haircut] for table in tables], np.int64),
        hoard_volatility=limits("hoard_volatility"),
    )
    capacity = ledger.arrays.capacity[:number]
    _refuse_overflow(policies, population, capacity, prices)
    _refuse_free_returns(policies, population, capacity)
    _refuse_reinvestment(policies, population, scenario)
    _refuse_late_buy_ins(policies, scenario)
    return policies


def reinvests(scenario: Scenario) -> bool:
    """Whether any lender invests cash collateral."""
    return any(table.reinvest for table in scenario.balance.values())


def raised_haircuts(scenario: Scenario) -> list[float]:
    """Haircuts that lenders ask for of whom they would not fund, in the order of the scenario."""
    given = [table.raised_haircut for table in scenario.balance.values()]
    return list(dict.fromkeys(haircut for haircut in given if haircut is not None))


def at_raised_haircuts(
    scenario: Scenario, agreements: Sequence[CollateralAgreement]
) -> tuple[CollateralAgreement, ...]:
    """The agreements, and behind them all of them again at each raised haircut.

    Raises:
        InputError: there are rules, too, which would not know of them.
    """
    if raised_haircuts(scenario) and scenario.rules:
        raise InputError(
            "balance: raised_haircut: the rules of the scenario rewrite terms every day; use either"
        )
    rows = list(agreements)
    for haircut in raised_haircuts(scenario):
        for agreement in agreements:
            table = agreement.model_dump(exclude_unset=True)
            table |= {"haircut": haircut, "margin_percentage": None}
            raised = checked(CollateralAgreement, table, "balance: raised_haircut")
            higher = raised.collateral_ratio > agreement.collateral_ratio
            rows.append(raised if higher else agreement)
    return tuple(rows)


def _tables(balance: Mapping[str, BalanceSheet], population: Population) -> list[BalanceSheet]:
    """The table of each participant: its own, or that of its role."""
    for key in balance:
        if key not in get_args(Role):
            with named("balance"):
                population.row(key)
    return [
        balance.get(name) or balance.get(role) or FREE_OF_LIMITS
        for name, role in zip(population.names, population.roles, strict=True)
    ]


def _outside(table: BalanceSheet, tokens: Sequence[str], used: Ints) -> Ints:
    given = table.outside
    if given is None:
        return np.full(len(tokens), -1, np.int64)
    if isinstance(given, dict):
        with named("balance: outside"):
            for token in given:
                refuse_unpriced(token, tokens)
        return np.array([given.get(token, 0) for token in tokens], np.int64)
    return times(used, exact(given))


def _order(table: BalanceSheet, tokens: Sequence[str], name: str) -> Ints:
    """Place of each token in the order of sale; those that are not named share the last one."""
    with named(f"balance.{name}.liquidation"):
        for token in table.liquidation:
            refuse_unpriced(token, tokens[:-1])
    last = len(table.liquidation)
    order = {token: place for place, token in enumerate(table.liquidation)}
    return np.array([order.get(token, last) for token in tokens], np.int64)


def _shares(table: BalanceSheet, tokens: Sequence[str], name: str) -> Floats:
    """Parts of an investment by token; nothing of it is cash."""
    with named(f"balance.{name}.portfolio"):
        for token in table.portfolio or ():
            refuse_unpriced(token, tokens[:-1])
    equal = dict.fromkeys(tokens[:-1], 1.0)
    given = table.portfolio or equal
    shares = np.array([given.get(token, 0.0) for token in tokens])
    return shares / shares.sum()


def _refuse_overflow(
    policies: Policies, population: Population, capacity: Ints, prices: Ints
) -> None:
    """Refuse positions outside the ledger that could not be counted in money."""
    there = np.where(policies.outside < 0, capacity * (capacity < UNLIMITED), policies.outside)
    value = there.astype(np.float64) @ prices.max(axis=0)
    for row in np.flatnonzero(value * 4 >= LARGEST_VALUE).tolist():
        raise InputError(
            f"balance: {population.names[row]} has {value[row]:.3g} money units outside the ledger;"
            f" with room for prices to rise, it must stay below {LARGEST_VALUE / 4:.3g}"
        )


def _refuse_free_returns(policies: Policies, population: Population, capacity: Ints) -> None:
    """Refuse short sales by those who could have the tokens minted without limit to return them."""
    free = ((policies.outside < 0) & (capacity == UNLIMITED))[:, :-1].any(axis=1)
    for row in np.flatnonzero(free & (policies.short > 0)).tolist():
        raise InputError(
            f"balance: {population.names[row]} sells short, but its issuance capacity is unlimited,"
            " so that nothing would have to be bought back; limit participants.issuance_capacity,"
            " or say what is `outside`"
        )


def _refuse_late_buy_ins(policies: Policies, scenario: Scenario) -> None:
    """Refuse buy-ins that would never come: after a default, or of tokens that cannot go back."""
    days = policies.buy_in_days[np.isfinite(policies.buy_in_days)]
    if not len(days):
        return
    grace = max(terms.grace_days for terms in (scenario.agreement, *scenario.agreements.values()))
    if days.max() > grace:
        raise InputError(
            f"balance: buy_in_days: a borrower is in default when it has failed to return for more"
            f" than {grace} days; give {grace} at most, or agreement.grace_days more"
        )
    if scenario.participants.minting_days:
        raise InputError(
            "balance: buy_in_days: with participants.minting_days what is bought in could not go"
            " back on its day; use either"
        )


def _refuse_reinvestment(policies: Policies, population: Population, scenario: Scenario) -> None:
    """Refuse it to those who post collateral further instead, and where no title passes."""
    rows = np.flatnonzero(policies.reinvest > 0).tolist()
    for row in rows:
        if population.roles[row] != "lender":
            raise InputError(
                f"balance: {population.names[row]} is a {population.roles[row]}, and reinvest is"
                " for lenders; a dealer posts cash collateral further by reuse_rate"
            )
    agreements = (scenario.agreement, *scenario.agreements.values())
    if rows and not any(agreement.transfer == "title" for agreement in agreements):
        raise InputError(
            'balance: reinvest needs an agreement with transfer = "title": cash that is pledged'
            " stays where it is"
        )
