"""Random balance sheets for the random small markets, with everything switched on at times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st
from random_worlds import ROLES, World, amounts, rarely, worlds
from worlds import CASH, START

START_DATE = START.date()


@st.composite
def balances(draw: st.DrawFn, tokens: tuple[str, ...]) -> dict[str, Any]:
    """One table of `[balance]`."""
    table: dict[str, Any] = {}
    if draw(st.booleans()):
        table["outside"] = draw(st.sampled_from([0, 0.5, 2]) | amounts((*tokens, CASH)))
    if draw(st.booleans()):
        table["credit_line"] = draw(st.sampled_from([0, 0.1, 1]))
    if draw(st.booleans()):
        table["leverage"] = draw(st.sampled_from([1, 2, 5, 20]))
    if "credit_line" in table or "outside" in table:
        table["invest"] = draw(st.sampled_from([0, 0.7, 1]))
    if "outside" in table:
        table["short"] = draw(st.sampled_from([0, 0.5, 1]))
    table["raises_funds"] = draw(st.booleans())
    if draw(st.booleans()):
        table["leverage_limit"] = draw(st.sampled_from([1, 2, 10]))
        table["leverage_target"] = 1
        if draw(st.booleans()):
            table["liquidation"] = draw(st.permutations(tokens))[:2]
    if draw(st.booleans()):
        limits = {"leverage": [1.5, 3], "volatility": [0.01, 0.2], "liquidity": [0.05, 0.9]}
        by = draw(st.sampled_from(sorted(limits)))
        table[f"withdraw_{by}"] = draw(st.sampled_from(limits[by]))
        if draw(st.booleans()):
            table["raised_haircut"] = draw(st.sampled_from([0.1, 0.6]))
    if draw(rarely):
        table["hoard_volatility"] = draw(st.sampled_from([0.01, 0.3]))
    return table


@st.composite
def worlds_with_balances(draw: st.DrawFn) -> World:
    """A market in which everything can happen, and everybody keeps a balance sheet."""
    table, prices = draw(worlds())
    tokens = tuple(prices)
    if draw(st.booleans()):
        # Collateral is pledged and moves at once: the accounts are then summed by borrower.
        for terms in (table["agreement"], *table["agreements"].values()):
            terms["settlement_lag"] = 0
            for field in ("transfer", "reuse_rate", "lender_issuance"):
                terms.pop(field, None)
    keys = st.sampled_from(["lender", "borrower", "dealer", *present(table)])
    names = draw(st.lists(keys, min_size=1, max_size=3, unique=True))
    balance = {name: draw(balances(tokens)) for name in names}
    for given in table["participants"]["given"]:
        mine = balance.get(given["name"], balance.get(given["role"], {}))
        if "leverage" in mine:
            given.pop("equity", None)
    for name in names:
        if ROLES.get(name, name) == "lender" and draw(st.booleans()):
            draw_reinvestment(draw, table, balance[name], tokens)
    grace = max(
        terms.get("grace_days", 0) for terms in (table["agreement"], *table["agreements"].values())
    )
    if grace and not table["participants"].get("minting_days"):
        for mine in balance.values():
            if draw(st.booleans()):
                mine["buy_in_days"] = draw(st.integers(1, min(grace, 3)))
    days = draw(st.sampled_from([0, 1, 2, 3]))
    given = table.get("assets") or ({} if draw(rarely) else {"all": {"tokens": list(tokens)}})
    classes = {name: {**kind, "settlement_days": days} for name, kind in given.items()}
    table = {**table, "balance": balance, "assets": classes}
    return table, prices


LONG = 250
"""Days of a long market."""

WAVES = 10
"""How often the participants and loans of a small market come anew in the course of it."""


@st.composite
def long_worlds(draw: st.DrawFn) -> World:
    """The same over many days: every 25 of them further participants begin the same loans."""
    table, short = draw(worlds_with_balances())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    prices = {token: goes_on(path, draw(st.booleans()), rng) for token, path in short.items()}
    every, people = LONG // WAVES, table["participants"]
    given, balance = people["given"], table["balance"]

    def name(known: str, wave: int) -> str:
        return f"{known}w{wave}" if wave and known in ROLES else known

    def waves(entries: Any, **shifted: int) -> list[Any]:
        """Entries of every wave: these fields of them grow, and participants are others."""
        return [
            {**entry}
            | {field: entry.get(field, 0) + wave * by for field, by in shifted.items()}
            | {f: name(entry[f], wave) for f in ("lender", "borrower", "name") if f in entry}
            | ({"participant": name(entry["participant"], wave)} if "participant" in entry else {})
            for wave in range(WAVES)
            for entry in entries
        ]

    fields: dict[str, Any] = {
        "loans": waves(table["loans"], loan_id=100, start=every),
        "participants": {**people, "given": waves(given)},
        "balance": {name(k, w): of for w in range(WAVES) for k, of in balance.items()},
        "window": {**table["window"], "end": START_DATE + timedelta(days=LONG)},
    }
    if "defaults" in table:
        fields["defaults"] = {"scheduled": waves(table["defaults"]["scheduled"], day=every)}
    if recalls := table.get("recalls"):
        chosen = [
            [d + every * w, n + 100 * w] for w in range(WAVES) for d, n in recalls["scheduled"]
        ]
        fields["recalls"] = {**recalls, "scheduled": chosen}
    return {**table, **fields}, prices


def goes_on(path: list[int], jumpy: bool, rng: np.random.Generator) -> list[int]:
    """A path of small prices that goes on by jumps, or by returns of 3 % a day."""
    number = LONG - len(path)
    if jumpy:
        return [*path, *rng.integers(1, 300, number).tolist()]
    walk = path[-1] * np.exp(np.cumsum(rng.normal(0, 0.03, number)))
    return [*path, *np.clip(np.rint(walk), 1, 1000).astype(int).tolist()]


def draw_reinvestment(
    draw: st.DrawFn, table: dict[str, Any], mine: dict[str, Any], tokens: tuple[str, ...]
) -> None:
    """Have a lender invest cash collateral, and every agreement accept cash and pass title."""
    mine["reinvest"] = draw(st.sampled_from([0.29, 0.8, 1]))
    mine.setdefault("credit_line", draw(st.sampled_from([0, 0.05])))
    if draw(st.booleans()) or not mine["raises_funds"]:
        mine["reinvest_term"] = draw(st.sampled_from([1, 2, 5]))
    for terms in (table["agreement"], *table["agreements"].values()):
        terms["transfer"] = "title"
        order = [token for token in terms.get("priority", tokens) if token != CASH]
        first = terms["adjustment"] == "single" or draw(st.booleans())
        terms["priority"] = [CASH, *order] if first else [*order, CASH]


def present(table: dict[str, Any]) -> list[str]:
    """Names of the participants of a world."""
    return sorted(
        {entry[side] for entry in table["loans"] for side in ("lender", "borrower")} & set(ROLES)
    )
