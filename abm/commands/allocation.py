"""An answer as a user reads it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from abm.commands.terminal import table, wrapped

Row = Sequence[str]


def as_text(answer: Mapping[str, Any]) -> str:
    """Tables of an answer (`abm.optimise.answer.answer_of`)."""
    parts = [wrapped(answer["title"] or answer["problem"]), _summary(answer)]
    parts.append(
        table(
            ("call", "asset", "tokens", "market value", "counts for", "cost a year"),
            [
                (each["call"], each["asset"], f"{each['tokens']:,}", *_amounts(each, _DELIVERED))
                for each in answer["deliveries"]
            ],
            left=2,
        )
    )
    parts.append(
        table(
            ("call", "called for", "delivered", "unmet", "cost a year"),
            [(each["call"], *_amounts(each, _CALLED)) for each in answer["calls"]],
        )
    )
    parts.extend(_short(each) for each in answer["short"])
    worth = _worth(answer)
    if worth:
        parts.append(
            wrapped(
                "What one more of it is worth, in parts of tokens (duals of the relaxed problem):"
            )
        )
        parts.append(table(("one more", "cost a year", "unmet value"), worth))
    return "\n\n".join(parts)


_DELIVERED = ("market_value", "counts_for", "cost")
_CALLED = ("amount", "delivered", "unmet", "cost")


def _amounts(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [f"{row[name]:,.2f}" for name in names]


def _summary(answer: Mapping[str, Any]) -> str:
    rule, bound = answer["priority_rule"], answer["relaxed"]
    rows = [
        ("cheapest" if answer["optimal"] else "best found in time", answer),
        ("priority rule", rule),
        ("in parts of tokens, a bound", bound),
    ]
    head = ("", f"unmet, {answer['currency']}", "cost a year")
    return table(head, [(name, *_amounts(row, ("unmet", "cost"))) for name, row in rows])


def _short(each: Mapping[str, Any]) -> str:
    """Why a call stays short: the assets that are held back, by what."""
    groups: dict[str, list[str]] = {}
    for why in each["because"]:
        left = f" ({why['left']:,} left)" if why["left"] else ""
        groups.setdefault(why["because"], []).append(why["asset"] + left)
    words = {
        "not eligible": "Not eligible",
        "no stock": "All delivered or none there",
        "volume": "At the limit of their daily volume",
    }
    lines = [f"{each['call']} stays short of {each['unmet']:,.2f}:"]
    for because, assets in sorted(groups.items(), key=lambda item: item[0] == "not eligible"):
        reason = words.get(because, f"The limit on {because} is full")
        lines.append(wrapped(f"  {reason}: {', '.join(assets)}", indent="    "))
    return "\n".join(lines)


def _worth(answer: Mapping[str, Any]) -> list[Row]:
    """What would help, as far as anything would."""
    rows = []
    for each in answer["assets"]:
        rows.append((f"{each['asset']}, a token", *_saved(each)))
    for each in answer["limits"]:
        name = f"{each['call']}: limit on {each['limit']}, {answer['currency']} 1"
        rows.append((name, *_saved(each)))
    for each in answer["calls"]:
        cost, unmet = -each["cost_of_one_more"], -each["unmet_of_one_more"]
        rows.append((f"{each['call']}: {answer['currency']} 1 of the call", *_signed(cost, unmet)))
    return [row for row in rows if row[1] or row[2]]


def _saved(each: Mapping[str, Any]) -> tuple[str, str]:
    return _signed(each["cost_saved_by_one_more"], each["unmet_saved_by_one_more"])


def _signed(cost: float, unmet: float) -> tuple[str, str]:
    """Savings as changes: what is saved falls."""
    texts = (f"{-value:+.6f}" for value in (cost, unmet))
    first, second = (text if text.strip("+-0.") else "" for text in texts)
    return first, second
