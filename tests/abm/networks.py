"""Random networks with everything switched on, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from worlds import loan

NAMES = {"L1": "lender", "L2": "lender", "D1": "dealer", "D2": "dealer", "D3": "dealer"} | {
    "B1": "borrower",
    "B2": "borrower",
}
LENDS = [name for name, role in NAMES.items() if role != "borrower"]
BORROWS = [name for name, role in NAMES.items() if role != "lender"]


@st.composite
def paths(draw: st.DrawFn, tokens: tuple[str, ...], days: int) -> dict[str, list[int]]:
    """Prices with moves of up to a tenth a day, and a crash or rally on some days."""
    prices = {}
    for token in tokens:
        path = [draw(st.integers(20, 200))]
        for _ in range(days - 1):
            factor = draw(st.sampled_from([90, 97, 100, 100, 102, 110, 60, 150]))
            path.append(max(path[-1] * factor // 100, 1))
        prices[token] = path
    return prices


@st.composite
def networks(
    draw: st.DrawFn, *, reuse: bool | None = None, defaults: bool = True
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Fields of a scenario and prices: few participants, many kinds of trouble."""
    tokens = ("A", "B")
    days = draw(st.integers(4, 10))
    title = draw(st.booleans()) if reuse is None else reuse
    names = draw(st.permutations(list(NAMES)))
    loans = []
    for loan_id in range(1, draw(st.integers(2, 8)) + 1):
        lender = draw(st.sampled_from(LENDS))
        borrower = draw(st.sampled_from([name for name in BORROWS if name != lender]))
        fields: dict[str, Any] = {}
        if draw(st.integers(0, 3)):
            fields["principal"] = draw(st.integers(500, 20_000))
        else:
            fields["lent"] = {"B": draw(st.integers(1, 50))}
        if draw(st.integers(0, 2)) == 0:
            fields["open_ended"] = True
        elif draw(st.booleans()):
            fields["maturity"] = draw(st.integers(1, days))
            fields["at_maturity"] = draw(st.sampled_from(["settle", "roll", "replace"]))
        if draw(st.booleans()):
            fields["agreement"] = "second"
        loans.append(loan(loan_id, lender, borrower, **fields))
    terms = {
        "trigger": draw(st.sampled_from([0, 0.02, 0.1])),
        "settlement_lag": draw(st.sampled_from([0, 0, 1, 2])),
        "aggregated": draw(st.booleans()),
        "grace_days": draw(st.sampled_from([0, 1, 3])) if defaults else 1000,
    }
    if title:
        terms |= {"transfer": "title", "reuse_rate": draw(st.sampled_from([0.29, 0.5, 1]))}
    named = sorted({name for entry in loans for name in (entry["lender"], entry["borrower"])})
    given = []
    for name in [name for name in names if name in named]:
        entry: dict[str, Any] = {"name": name, "role": NAMES[name]}
        if draw(st.booleans()) and defaults:
            entry["equity"] = draw(st.sampled_from([0, 100, 2000]))
        if draw(st.booleans()):
            entry["wallet"] = {"A": draw(st.integers(0, 60)), "JPY": draw(st.integers(0, 5000))}
        given.append(entry)
    fields = {
        "loans": loans,
        "agreement": terms,
        "agreements": {"second": {**terms, "haircut": 0.2, "adjustment": "single"}},
        "participants": {
            "given": given,
            "prefunded_inventory": draw(st.sampled_from([0, 0.1, 1])),
            "issuance_capacity": draw(st.sampled_from(["unlimited", 0, 0.05, 0.5])),
            "minting_days": draw(st.sampled_from([0, 0, 1, 2])),
        },
        "recalls": {"daily_rate": draw(st.sampled_from([0, 0.2])), "notice": 1},
    }
    if defaults:
        fields["close_out"] = {
            "margin_period_of_risk": draw(st.sampled_from([0, 1, 2, 4])),
            "sale": draw(st.sampled_from(["end", "parts"])),
        }
        if draw(st.booleans()):
            fields["close_out"]["impact"] = {"depth": 500, "permanent": 0.3}
        chosen = draw(st.lists(st.sampled_from(named), max_size=2, unique=True))
        fields["defaults"] = {
            "daily_hazard": draw(st.sampled_from([0, 0.05])),
            "scheduled": [
                {"participant": name, "day": draw(st.integers(1, days - 1))} for name in chosen
            ],
        }
    return fields, draw(paths(tokens, days))
