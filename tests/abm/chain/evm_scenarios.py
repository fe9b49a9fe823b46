"""Random scenarios of all terms that the contracts support."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

FIRST = pd.Timestamp("2024-01-01")


def random_scenario(seed: int) -> tuple[Scenario, PricePanel]:
    """Loans between up to five participants who lend and borrow, with defaults and contagion."""
    rng = np.random.default_rng(seed)
    tokens = [f"T{number}" for number in range(rng.choice([1, 2, 3, 4, 8]))]
    days = int(rng.integers(4, 15))
    moves = rng.normal(0, rng.choice([0.01, 0.05, 0.2]), (days, len(tokens)))
    if rng.random() < 0.2:
        # A jump, of one token or of all.
        moves[rng.integers(1, days), rng.integers(len(tokens)) :] += rng.choice([-1.0, 0.8])
    prices = rng.integers(20, 3_000, len(tokens)) * np.exp(moves.cumsum(axis=0))
    dates = pd.date_range(FIRST, periods=days)
    frame = pd.DataFrame(np.maximum(np.rint(prices), 1.0), index=dates, columns=tokens)
    names = [f"P{number}" for number in range(rng.integers(2, 6))]
    loans = [_loan(rng, number, names, tokens, days) for number in range(rng.integers(1, 9))]
    table: dict[str, Any] = {
        "name": f"random {seed}",
        "window": {
            "start": str(FIRST.date()),
            "end": str((FIRST + pd.Timedelta(days=days)).date()),
        },
        "money": {"currency": "JPY", "unit": 1},
        "prices": {"source": "file", "file": "given"},
        "agreement": _agreement(rng, tokens),
        "agreements": {"other": _agreement(rng, tokens)},
        "loans": loans,
        "participants": {},
        "defaults": {},
        "close_out": {
            "margin_period_of_risk": int(rng.integers(0, 4)),
            "sale": str(rng.choice(["end", "parts"])),
        },
    }
    part = table["participants"]
    if rng.random() < 0.6:
        part["issuance_capacity"] = float(rng.choice([0, 0.05, 0.3]))
    if rng.random() < 0.5:
        part["prefunded_inventory"] = float(rng.choice([0.02, 0.2]))
    if rng.random() < 0.4:
        part["equity_ratio"] = float(rng.choice([0, 0.001, 0.1]))
    parties = [loan[side] for loan in loans for side in ("lender", "borrower")]
    if rng.random() < 0.5:
        table["defaults"]["scheduled"] = [
            {"participant": str(rng.choice(parties)), "day": int(rng.integers(1, days))}
        ]
    if rng.random() < 0.2:
        table["defaults"]["daily_hazard"] = 0.05
    if rng.random() < 0.3:
        table["recalls"] = {"daily_rate": 0.15, "notice": int(rng.integers(1, 4))}
    if rng.random() < 0.2:
        depth = {"depth": float(rng.choice([2_000, 50_000])), "permanent": 0.5, "decay": 0.5}
        table["close_out"]["impact"] = depth
    table["oracle"] = _faults(rng, tokens, days)
    return Scenario.parse(table, "random"), PricePanel.from_frame(frame, "random")


def _faults(rng: np.random.Generator, tokens: list[str], days: int) -> dict[str, Any]:
    """Late, missing and wrong prices."""
    faults: dict[str, Any] = {}
    if rng.random() < 0.15:
        faults["delay"] = int(rng.integers(1, 3))
    if rng.random() < 0.15:
        outage = {"day": int(rng.integers(1, days)), "days": int(rng.integers(1, 4))}
        faults["outages"] = [outage | ({} if rng.random() < 0.6 else {"tokens": tokens[:1]})]
    if rng.random() < 0.3:
        wrong = {"day": int(rng.integers(1, days)), "token": tokens[0]}
        faults["wrong_prices"] = [{**wrong, "factor": float(rng.choice([0.1, 0.5, 2, 100]))}]
    return faults


def _agreement(rng: np.random.Generator, tokens: list[str]) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "trigger": float(rng.choice([0, 0, 0.01, 0.02, 0.05])),
        "adjustment": str(rng.choice(["single", "multi"])),
        "settlement_lag": int(rng.integers(0, 2)),
        "lender_issuance": bool(rng.integers(2)),
        "every_call_issues": bool(rng.random() < 0.2),
        "delivery_rounding": str(rng.choice(["up", "down"])),
        "return_rounding": str(rng.choice(["up", "down"])),
        "grace_days": int(rng.integers(0, 4)),
        "minimum_transfer_amount": float(rng.choice([0, 0, 500, 5_000])),
    }
    if rng.random() < 0.3:
        terms["margin_percentage"] = float(rng.choice([1.02, 1.05, 1.1]))
    else:
        terms["haircut"] = float(rng.choice([0, 0.02, 0.05, 0.1, 0.3333]))
    if rng.random() < 0.3:
        eligible = rng.permutation([*tokens, "JPY"])[: rng.integers(1, len(tokens) + 2)]
        terms["priority"] = eligible.tolist()
    return terms


def _loan(
    rng: np.random.Generator, number: int, names: list[str], tokens: list[str], days: int
) -> dict[str, Any]:
    lender, borrower = rng.choice(names, 2, replace=False).tolist()
    loan: dict[str, Any] = {"loan_id": number, "lender": lender, "borrower": borrower}
    if rng.random() < 0.5:
        loan["agreement"] = "other"
    kind = rng.random()
    if kind < 0.4:
        loan["collateral"] = {token: int(rng.integers(1, 2_000)) for token in tokens}
    elif kind < 0.7:
        loan["principal"] = float(rng.integers(1_000, 1_000_000))
        if rng.random() < 0.3:
            loan["lent_token"] = str(rng.choice(tokens))
    else:
        loan["lent"] = {token: int(rng.integers(1, 500)) for token in tokens}
    kind = rng.random()
    if kind < 0.4:
        loan["maturity"] = int(rng.integers(1, days + 2))
    elif kind < 0.5:
        loan |= {"maturity": int(rng.integers(1, 5)), "at_maturity": "roll"}
    elif kind < 0.6:
        loan["open_ended"] = True
    return loan
