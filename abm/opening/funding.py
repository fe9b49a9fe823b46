"""What participants have on the first day: inventories, capacity to issue, equity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from abm.books.ledger import UNLIMITED
from abm.books.population import Population
from abm.opening.exact import LARGEST, scaled, times
from abm.opening.population import draw_sizes
from scenarios.agreement import exact
from scenarios.errors import InputError, named, refuse_unpriced
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from abm.books.books import Books
    from abm.books.ledger import Ledger
    from abm.opening.loan_table import LoanTable, Sizes

Ints = npt.NDArray[np.int64]


def fund(
    scenario: Scenario,
    population: Population,
    ledger: Ledger,
    books: Books,
    sizes: Sizes,
    rng: np.random.Generator,
) -> None:
    """Mint the prefunded inventories and set what can still be issued.

    Raises:
        InputError: a wallet or a capacity names a token without a price.
    """
    part, tokens = scenario.participants, ledger.tokens
    borrower = books.accounts.borrower[books.loans.account]
    number = len(population.names)
    pledged = _added_up(borrower, sizes.posted, number)
    receives = np.array([role != "lender" for role in population.roles])
    spread = draw_sizes(part.inventory_spread, number, rng)
    sizes_of = np.repeat(spread[:, None], len(tokens), axis=1)
    rule = part.prefunded_inventory
    if isinstance(rule, dict):
        counts = _counts(rule, tokens, "participants.prefunded_inventory")
        inventory = scaled(np.tile(counts, (number, 1)), exact(1), sizes_of, "down")
    else:
        inventory = scaled(pledged, exact(rule), sizes_of, "down")
    inventory[~receives] = 0
    capacity = np.full((number, len(tokens)), UNLIMITED, np.int64)
    limit = part.issuance_capacity
    if limit != "unlimited":
        if isinstance(limit, dict):
            counts = _counts(limit, tokens, "participants.issuance_capacity")
            limited = np.tile(counts, (number, 1))
        else:
            limited = times(pledged, exact(limit))
        # Cash comes from outside: what is limited is the supply of collateral.
        capacity[receives, :-1] = limited[receives, :-1]
    for row, given in population.given.items():
        if given.wallet is not None:
            inventory[row] = _counts(given.wallet, tokens, f"{given.name}.wallet")
        if given.issuance_capacity is not None:
            allowed = given.issuance_capacity
            capacity[row] = _counts(allowed, tokens, f"{given.name}.issuance_capacity")
            if tokens[-1] not in allowed:
                capacity[row, -1] = UNLIMITED
    ledger.arrays.capacity[:number] = capacity
    for row, token in np.argwhere(inventory):
        ledger.mint(int(row), int(token), int(inventory[row, token]))


def equity_of(
    scenario: Scenario, population: Population, table: LoanTable, sizes: Sizes, prices: Ints
) -> Ints:
    """Equity of each participant in money units, to the nearest; `UNLIMITED` if no matter.

    Raises:
        InputError: it is more than can be counted.
    """
    equity = np.full(len(population.names), UNLIMITED, np.int64)
    ratio = scenario.participants.equity_ratio
    if ratio is not None:
        lent = _added_up(table.lender, (sizes.lent @ prices)[:, None], len(equity))[:, 0]
        of_ratio = times(lent, exact(ratio), "nearest")
        if (of_ratio >= LARGEST).any():
            raise InputError(
                f"participants.equity_ratio: {ratio:g} makes an equity of more than {LARGEST:.3g}"
                " money units; leave it out if equity shall not run out"
            )
        equity[lent > 0] = of_ratio[lent > 0]
    for row, given in population.given.items():
        if given.equity is not None:
            units = round(exact(given.equity) / exact(scenario.money.unit))
            if units >= LARGEST:
                raise InputError(
                    f"participants.given: {given.name}: an equity of {given.equity:g} is more than"
                    f" {LARGEST:.3g} money units"
                )
            equity[row] = units
    return equity


def _added_up(rows: npt.NDArray[Any], amounts: Ints, number: int) -> Ints:
    """Amounts, shape (loans, tokens), added up by row, shape (number, tokens)."""
    total = np.zeros((number, amounts.shape[1]), np.int64)
    for column, amount in enumerate(amounts.T):
        if amount.sum(dtype=np.float64) < 2**53:
            # Exact in floats, and faster.
            weights = amount.astype(np.float64)
            total[:, column] = np.bincount(rows, weights=weights, minlength=number)
        else:
            np.add.at(total[:, column], rows, amount)
    return total


def _counts(counts: dict[str, int], tokens: tuple[str, ...], field: str) -> Ints:
    amounts = np.zeros(len(tokens), np.int64)
    with named(field):
        for token, quantity in counts.items():
            refuse_unpriced(token, tokens)
            amounts[tokens.index(token)] = quantity
    return amounts
