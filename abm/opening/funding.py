"""What participants have on the first day: inventories, capacity to issue, equity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from abm.books.ledger import UNLIMITED
from abm.books.population import Population
from abm.opening.exact import LARGEST, scaled, times
from abm.opening.population import draw_sizes
from abm.opening.sizes import at_start, worth_of
from scenarios.agreement import exact
from scenarios.errors import InputError, named, refuse_unpriced
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from abm.books.ledger import Ledger
    from abm.opening.loan_table import LoanTable
    from abm.opening.sizes import Sizes

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def fund(
    scenario: Scenario,
    population: Population,
    ledger: Ledger,
    table: LoanTable,
    sizes: Sizes,
    prices: Ints,
    rng: np.random.Generator,
) -> None:
    """Mint what participants hold in their wallets, and set what can still be issued.

    `prices` are true ones, shape (days, tokens).

    Raises:
        InputError: a wallet or a capacity names a token without a price, or total assets are less
            than what is posted.
    """
    part, tokens = scenario.participants, ledger.tokens
    number = len(population.names)
    pledged = _added_up(table.borrower, sizes.posted, number)
    receives = np.array([role != "lender" for role in population.roles])
    spread = draw_sizes(part.inventory_spread, number, rng)
    sizes_of = np.repeat(spread[:, None], len(tokens), axis=1)
    rule = part.prefunded_inventory
    if part.total_assets is not None:
        borrowed = _worth(table, sizes.lent, table.borrower, prices, number)
        posted = _worth(table, sizes.posted, table.borrower, prices, number)
        has = _total_assets(part.total_assets, tokens, pledged, posted, borrowed, spread)
        _refuse_short(population, tokens, has, pledged, receives)
        inventory = has - pledged
    elif isinstance(rule, dict):
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
        if given.total_assets is not None:
            has = _counts(given.total_assets, tokens, f"{given.name}.total_assets")
            _refuse_short(population, tokens, has, pledged, np.arange(number) == row)
            inventory[row] = has - pledged[row]
        if given.issuance_capacity is not None:
            allowed = given.issuance_capacity
            capacity[row] = _counts(allowed, tokens, f"{given.name}.issuance_capacity")
            if tokens[-1] not in allowed:
                capacity[row, -1] = UNLIMITED
    ledger.arrays.capacity[:number] = capacity
    ledger.arrays.balance[:number] += inventory
    ledger.arrays.minted[:] += inventory.sum(axis=0)


def used_by(table: LoanTable, sizes: Sizes, number: int) -> Ints:
    """Tokens that each participant lends and posts at the opening, shape (number, tokens)."""
    lent = _added_up(table.lender, sizes.lent, number)
    return lent + _added_up(table.borrower, sizes.posted, number)


def _total_assets(
    rule: float | dict[str, int],
    tokens: tuple[str, ...],
    pledged: Ints,
    posted: Ints,
    borrowed: Ints,
    spread: npt.NDArray[np.float64],
) -> Ints:
    """Eligible assets of each participant, in tokens, shape (participants, tokens).

    Args:
        rule: token counts, or a multiple of what is borrowed.
        tokens: their names.
        pledged: what each posts when its loans begin, shape (participants, tokens).
        posted: value of that, shape (participants,).
        borrowed: value of what each borrows, shape (participants,).
        spread: what multiplies each one's assets beyond the borrowed value; with counts, all.
    """
    if isinstance(rule, dict):
        counts = np.tile(_counts(rule, tokens, "participants.total_assets"), (len(pledged), 1))
        return scaled(counts, exact(1), np.repeat(spread[:, None], len(tokens), axis=1), "down")
    with np.errstate(over="ignore"):
        assets = np.minimum((1 + (rule - 1) * spread) * borrowed, 1e30)
    ratio = np.divide(assets, posted, out=np.zeros(len(posted)), where=posted > 0)
    return scaled(pledged, exact(1), np.repeat(ratio[:, None], len(tokens), axis=1), "down")


def _refuse_short(
    population: Population, tokens: tuple[str, ...], has: Ints, posts: Ints, who: Bools
) -> None:
    """See that participants have what they post.

    Args:
        population: all participants.
        tokens: names of the columns.
        has: total assets, shape (participants, tokens) or, of all alike, (tokens,).
        posts: at the start, shape (participants, tokens).
        who: rows to look at.
    """
    has = np.broadcast_to(has, posts.shape)
    for row, token in np.argwhere((has < posts) & who[:, None])[:1]:
        raise InputError(
            f"participants: {population.names[row]} posts {posts[row, token]} {tokens[token]} at"
            f" the start, and its total_assets have {has[row, token]}; give it more, or a lower"
            " haircut"
        )


def equity_of(
    scenario: Scenario,
    population: Population,
    table: LoanTable,
    sizes: Sizes,
    prices: Ints,
    wallets: Ints,
) -> Ints:
    """Equity of each participant in money units, to the nearest; `UNLIMITED` if no matter.

    `wallets` are what they hold before their loans open, shape (participants, tokens), and `prices`
    true ones, shape (days, tokens).

    Raises:
        InputError: it is more than can be counted.
    """
    equity = np.full(len(population.names), UNLIMITED, np.int64)
    ratio = scenario.participants.equity_ratio
    if ratio is not None:
        base = _equity_base(scenario, table, sizes, prices, wallets)
        of_ratio = times(base, exact(ratio), "nearest")
        if (of_ratio >= LARGEST).any():
            raise InputError(
                f"participants.equity_ratio: {ratio:g} makes an equity of more than {LARGEST:.3g}"
                " money units; leave it out if equity shall not run out"
            )
        equity[base > 0] = of_ratio[base > 0]
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


def _equity_base(
    scenario: Scenario, table: LoanTable, sizes: Sizes, prices: Ints, wallets: Ints
) -> Ints:
    """What the equity of each participant is a fraction of, in money units."""
    number = len(wallets)
    base = _worth(table, sizes.lent, table.lender, prices, number)
    if scenario.participants.equity_base == "assets":
        base += _worth(table, sizes.posted, table.borrower, prices, number)
        base += wallets @ prices[0]
    return base


def _worth(table: LoanTable, amounts: Ints, party: Ints, prices: Ints, number: int) -> Ints:
    """Value of amounts, shape (loans, tokens), when each loan begins, added up by party."""
    worth = worth_of(amounts, at_start(prices, table.drawn.start))
    return _added_up(party, worth[:, None], number)[:, 0]


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
