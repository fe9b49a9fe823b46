"""Random small markets in which everything can happen at once, for Hypothesis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from worlds import CASH, START, loan, table_of

TOKENS = ("A", "B", "C", "D")
ROLES = {"L1": "lender", "L2": "lender", "D1": "dealer", "D2": "dealer"} | {
    "B1": "borrower",
    "B2": "borrower",
}
NETWORKS = (
    ("L1-B1",),
    ("L1-B1", "L1-B2", "L2-B1"),
    ("L1-D1", "D1-B1"),
    ("L1-D1", "D1-D2", "D2-B1"),
    ("L1-D1", "L2-D1", "D1-B1", "D1-B2"),
    ("D1-D2", "D2-D1"),
    ("D1-D2", "D2-D1", "L1-D1", "D2-B1"),
)
"""Few pairs, so that many loans meet in an account or a netting set; lenders first."""
World = tuple[dict[str, Any], dict[str, list[int]]]

rarely = st.sampled_from([False, False, False, True])
roundings = st.sampled_from(["up", "down"])


@st.composite
def agreements(draw: st.DrawFn, tokens: tuple[str, ...]) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "trigger": draw(st.sampled_from([0, 0, 0.01, 0.02, 0.1, 0.3])),
        "minimum_transfer_amount": draw(st.sampled_from([0, 0, 0, 1, 150, 3000])),
        "adjustment": draw(st.sampled_from(["single", "multi"])),
        "delivery_rounding": draw(roundings),
        "return_rounding": draw(roundings),
        "settlement_lag": draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        "aggregated": draw(st.booleans()),
        "grace_days": draw(st.sampled_from([0, 1, 2, 1000, 1000])),
    }
    if draw(st.booleans()):
        terms["haircut"] = draw(st.sampled_from([0, 0.02, 0.05, 0.333, 0.5]))
    else:
        terms["margin_percentage"] = draw(st.sampled_from([0.9, 1, 1.02, 1.055, 1.5]))
    if draw(st.booleans()):
        order = draw(st.permutations([*tokens, CASH]))
        terms["priority"] = order[: draw(st.integers(1, len(order)))]
    if draw(rarely):
        terms["lender_issuance"] = True
    if draw(st.sampled_from([True, True, False])):
        terms |= {"transfer": "title", "reuse_rate": draw(st.sampled_from([0.29, 0.5, 0.9, 1]))}
    return terms


@st.composite
def schedules(draw: st.DrawFn, tokens: tuple[str, ...], days: int) -> dict[str, Any]:
    """A schedule over these tokens, the first of which B1 has issued."""
    haircuts = st.sampled_from([0, 0.02, 0.1, 0.25, 0.6])
    scopes: list[dict[str, Any]] = [{}, {"asset_class": "some"}, {"issuer": "B1"}]
    scopes += [{"asset": token} for token in (*tokens, CASH)]
    criteria: list[dict[str, Any]] = []
    for scope in [*draw(st.lists(st.sampled_from(scopes[1:]), max_size=3, unique_by=str)), {}]:
        entry = {**scope}
        if draw(st.booleans()):
            entry["is_included"] = draw(st.booleans())
        if draw(st.booleans()):
            entry["haircut_percentage"] = draw(haircuts)
        if scope and draw(rarely):
            entry["since"] = (START + timedelta(days=draw(st.integers(1, days - 1)))).date()
        criteria.append(entry)
    about: list[dict[str, Any]] = [{"concentration_limit_type": "asset"}]
    about += [{"concentration_limit_type": "issuer"}, {"concentration_limit_type": "asset_class"}]
    about += [scope for scope in scopes if scope]
    limits = []
    for limit in draw(st.lists(st.sampled_from(about), max_size=2, unique_by=str)):
        if draw(st.sampled_from([True, True, False])):
            limits.append({**limit, "percentage_limit": draw(st.sampled_from([0, 0.3, 0.5, 1]))})
        elif limit == {"asset_class": "some"}:
            limits.append({**limit, "average_trading_volume": draw(st.sampled_from([0.29, 1]))})
    return {
        "criteria": criteria,
        "concentration_limits": limits,
        "exclude_own_issues": draw(st.booleans()),
    }


def amounts(tokens: tuple[str, ...], at_least: int = 0) -> st.SearchStrategy[dict[str, int]]:
    filled = st.dictionaries(st.sampled_from(tokens), st.integers(1, 60), min_size=at_least)
    return filled.map(lambda chosen: dict(sorted(chosen.items())))


@st.composite
def paths(draw: st.DrawFn, days: int) -> list[int]:
    """A jumpy or a smooth path of small prices."""
    jumpy = draw(st.booleans())
    step = st.integers(1, 300) if jumpy else st.integers(-4, 4)
    path = [draw(st.integers(1, 300))]
    for move in draw(st.lists(step, min_size=days - 1, max_size=days - 1)):
        path.append(move if jumpy else max(path[-1] + move, 1))
    return path


@st.composite
def loans(draw: st.DrawFn, tokens: tuple[str, ...], days: int, prices: Any) -> list[dict[str, Any]]:
    result = []
    pairs = draw(st.sampled_from(NETWORKS))
    ids = draw(st.lists(st.integers(1, 99), min_size=1, max_size=6, unique=True))
    for number, loan_id in enumerate(ids):
        lender, borrower = pairs[number % len(pairs)].split("-")
        posted = draw(amounts(tokens, 1))
        fields: dict[str, Any] = {"collateral": posted}
        start = draw(st.sampled_from([0, 0, 0, 1, days // 2, days - 1]))
        if start:
            fields["start"] = start
        # On day 0 what is posted is the scenario's matter, and what the oracle says is not asked.
        if start and draw(st.booleans()):
            del fields["collateral"]
            if draw(st.booleans()):
                shares = st.dictionaries(st.sampled_from(tokens), st.integers(0, 3), min_size=1)
                chosen = draw(shares.filter(lambda mix: sum(mix.values()) > 0))
                fields["composition"] = dict(sorted(chosen.items()))
        if draw(st.booleans()):
            worth = sum(prices[token][0] * n for token, n in posted.items())
            fields["lent"] = {CASH: max(worth * draw(st.integers(60, 110)) // 100, 1)}
        else:
            fields["lent"] = draw(amounts((*tokens, CASH), 1))
        ends = draw(st.sampled_from(["window", "settle", "roll", "replace", "open"]))
        if ends == "open":
            fields["open_ended"] = True
        elif ends != "window":
            fields |= {"maturity": draw(st.integers(1, days)), "at_maturity": ends}
        if draw(st.booleans()):
            fields["agreement"] = "other"
        result.append(loan(loan_id, lender, borrower, **fields))
    return result


@st.composite
def participants(
    draw: st.DrawFn, names: list[str], tokens: tuple[str, ...]
) -> list[dict[str, Any]]:
    known = []
    for name in names:
        entry: dict[str, Any] = {"name": name, "role": ROLES[name]}
        if draw(st.booleans()):
            entry["wallet"] = draw(amounts((*tokens, CASH)))
        if draw(st.booleans()):
            entry["issuance_capacity"] = draw(amounts((*tokens, CASH)))
        if draw(st.booleans()):
            entry["equity"] = draw(st.sampled_from([0, 1, 100, 2000]))
        known.append(entry)
    return known


@st.composite
def oracle_faults(draw: st.DrawFn, tokens: tuple[str, ...], days: int) -> dict[str, Any]:
    day = st.integers(0, days - 1)
    faults: dict[str, Any] = {"delay": draw(st.sampled_from([0, 0, 1, 2]))}
    if draw(st.booleans()):
        outage = {"day": draw(day), "days": draw(st.integers(1, 3))}
        if draw(st.booleans()):
            outage["tokens"] = [draw(st.sampled_from(tokens))]
        faults["outages"] = [outage]
    if draw(st.booleans()):
        wrong = st.tuples(day, st.sampled_from(tokens))
        faults["wrong_prices"] = [
            {"day": when, "token": token, "factor": draw(st.sampled_from([0.001, 0.5, 1.1, 3]))}
            for when, token in draw(st.lists(wrong, min_size=1, max_size=2, unique=True))
        ]
    return faults


@st.composite
def close_outs(draw: st.DrawFn) -> dict[str, Any]:
    rules: dict[str, Any] = {
        "margin_period_of_risk": draw(st.sampled_from([0, 1, 2, 3])),
        "sale": draw(st.sampled_from(["end", "parts"])),
    }
    if draw(st.booleans()):
        rules |= {"recovery": True, "recovery_delay": draw(st.sampled_from([0, 0, 1, 2]))}
    if draw(st.booleans()):
        rules["impact"] = {"permanent": draw(st.sampled_from([0, 0.3, 1]))} | draw(
            st.sampled_from(
                [
                    {"depth": 40},
                    {"depth": 500},
                    {"kind": "square-root"},
                    {"kind": "square-root", "y": 0.5, "volatility": "class"},
                ]
            )
        )
    return rules


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A scenario with everything that rules of a day are about, and its prices."""
    tokens = TOKENS[: draw(st.integers(1, 4))]
    days = draw(st.integers(3, 9))
    prices = {token: draw(paths(days)) for token in tokens}
    entries = draw(loans(tokens, days, prices))
    names = sorted({name for entry in entries for name in (entry["lender"], entry["borrower"])})
    day = st.integers(1, days - 1)
    fields: dict[str, Any] = {
        "agreement": draw(agreements(tokens)),
        "agreements": {"other": draw(agreements(tokens))},
        "loans": entries,
        "participants": {
            "given": draw(participants(names, tokens)),
            "minting_days": draw(st.sampled_from([0, 0, 0, 1, 2])),
        },
        "close_out": draw(close_outs()),
    }
    impact = fields["close_out"].get("impact", {})
    if impact.get("kind") == "square-root":
        some = {"tokens": tokens, "daily_volume": draw(st.sampled_from([20, 1000]))}
        if "volatility" in impact or draw(st.booleans()):
            some["volatility"] = draw(st.sampled_from([0.3, 2]))
        fields["assets"] = {"some": some}
    if draw(rarely):
        some = {"tokens": tokens, "daily_volume": 20, **fields.get("assets", {}).get("some", {})}
        some["issuer"] = {tokens[0]: "B1"}
        if draw(st.booleans()):
            some["haircut"] = draw(st.sampled_from([0.1, 0.3]))
        fields["assets"] = {"some": some}
        fields["schedules"] = {"one": draw(schedules(tokens, days))}
        chosen = draw(st.sampled_from([["agreement"], ["other"], ["agreement", "other"]]))
        for name in chosen:
            terms = fields["agreement"] if name == "agreement" else fields["agreements"]["other"]
            terms["schedule"] = "one"
    if draw(rarely):
        fees = st.sampled_from([0.001, 0.004, 0.03])
        if not fields.get("assets"):
            fields["assets"] = {f"of {token}": {"tokens": [token]} for token in tokens}
        for kind in fields["assets"].values():
            kind["lending_fee"] = draw(fees)
        fields["participants"]["substitution"] = draw(st.sampled_from([0, 0.002, 0.01]))
    if open_ended := [entry for entry in entries if entry.get("open_ended")]:
        recall = st.sampled_from(open_ended).flatmap(
            lambda entry: st.tuples(
                st.integers(max(entry.get("start", 0), 1), days - 1), st.just(entry["loan_id"])
            )
        )
        recalls = st.lists(recall, max_size=2)
        fields["recalls"] = {
            "scheduled": [list(recall) for recall in draw(recalls)],
            "notice": draw(st.sampled_from([1, 2])),
        }
    if draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        together = draw(st.none() | day)
        fields["defaults"] = {
            "scheduled": [{"participant": name, "day": together or draw(day)} for name in chosen]
        }
    if draw(rarely):
        fields["oracle"] = draw(oracle_faults(tokens, days))
    table = table_of(days, **fields)
    return {**table, "window": {**table["window"], "calendar": "sessions"}}, prices
