"""What happens on a day, in words."""

from __future__ import annotations

from collections.abc import Sequence

from abm.page import measures


def amount(value: float, currency: str = "") -> str:
    """Money in few digits and words: 6.11 million USD."""
    for limit, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= 0.9995 * limit:
            return f"{value / limit:.3g} {word} {currency}".rstrip()
    return f"{value:,.0f} {currency}".rstrip()


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a row: B1, B2 and 3 others."""
    shown = list(names[:most]) if len(names) > most + 1 else list(names)
    rest = len(names) - len(shown)
    if rest:
        shown.append(f"{rest} others")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def sentence(
    defaults: Sequence[str], unmet: Sequence[str], stats: dict[str, float], currency: str
) -> str:
    """A day in one sentence, without its number.

    Args:
        defaults: names of those who default on it.
        unmet: names of those who do not meet a call, or not in full.
        stats: statistics of the day.
        currency: of all money.
    """
    parts = []
    if defaults:
        parts.append(f"{listed(defaults)} {'defaults' if len(defaults) == 1 else 'default'}")
    short = [name for name in unmet if name not in defaults]
    if short:
        verb = "does" if len(short) == 1 else "do"
        parts.append(f"{listed(short)} {verb} not meet a call in full")
    if loss := stats[measures.LOSS]:
        parts.append(f"close-outs lose {amount(loss, currency)}")
    delivery, back = stats["delivery_calls"], stats["return_calls"]
    if not parts:
        calls = int(delivery + back)
        met = ", all met" if delivery and not unmet else ""
        each = f"{int(delivery):,} for delivery, {int(back):,} for return"
        parts.append(f"{calls:,} call{'s' * (calls != 1)} ({each}){met}" if calls else "no calls")
    uncovered = stats[measures.UNCOVERED]
    parts.append(
        f"{amount(uncovered, currency)} uncollateralised" if uncovered > 0 else "all covered"
    )
    return "; ".join(parts)
