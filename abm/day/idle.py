"""Redeems what nobody needs any more."""

from __future__ import annotations

from collections.abc import Callable

from abm.books import tally
from abm.books.idle import idle_tokens
from abm.day.day import Setting


def redeem_idle(market: Setting, burn: Callable[[int, int, int], None]) -> None:
    """Redeem the wallets of all participants whose loans have all ended.

    Args:
        market: after its last day.
        burn: takes tokens of a participant back.
    """
    wallets = market.ledger.wallets[: len(market.population.names)]
    for row, token, quantity in idle_tokens(market.books, wallets):
        burn(row, token, quantity)
        value = quantity * int(market.prices[token])
        market.events.add(market.day, tally.BURN, row, token=token, quantity=quantity, value=value)
