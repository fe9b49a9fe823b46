"""What the contracts do not support is refused by name; what they do is put to them exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from evm_world import ENOUGH
from hypothesis import given, settings
from hypothesis import strategies as st

from abm.agents import Borrower
from abm.books.loan_book import new_accounts
from abm.chain.machines import new_machine
from abm.chain.platform import Platform
from abm.chain.records import NO_CAP, AgreementTerms
from abm.chain.terms import contract_terms
from abm.model import CollateralMarket
from abm.opening.terms import terms_of
from abm.rules.requirement import set_requirement
from scenarios.agreement import CollateralAgreement
from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.scenario import Scenario

PANEL = PricePanel.from_frame(
    pd.DataFrame(100.0, index=pd.date_range("2024-01-01", periods=3), columns=["A", "B"]), "flat"
)


def scenario(**changes: Any) -> Scenario:
    table = {
        "name": "base",
        "window": {"start": "2024-01-01", "end": "2024-01-04"},
        "money": {"unit": 1},
        "prices": {"source": "file", "file": "given"},
        "loan": {"collateral": {"A": 10, "B": 10}},
        "ledger": "evm",
    }
    return Scenario.parse({**table, **changes}, "base")


REFUSED = {
    "agreement.aggregated": {"agreement": {"aggregated": True}},
    "agreement.transfer": {"agreement": {"transfer": "title"}},
    "agreement.settlement_lag": {"agreement": {"settlement_lag": 2}},
    "agreement.haircut": {"agreement": {"haircut": 0.01234}},
    "agreement.margin_percentage": {"agreement": {"margin_percentage": 1.00005}},
    "agreements.thin.margin_percentage": {"agreements": {"thin": {"margin_percentage": 0.0001}}},
    "agreement.trigger": {"agreement": {"trigger": 0.00001}},
    "agreement.grace_days": {"agreement": {"grace_days": 70_000}},
    "agreements.late.settlement_lag": {"agreements": {"late": {"settlement_lag": 3}}},
    "loan.at_maturity": {"loan": {"collateral": {"A": 1}, "maturity": 1, "at_maturity": "replace"}},
    "loan.start": {"loan": {"collateral": {"A": 1}, "start": 1}},
    "participants.minting_days": {"participants": {"minting_days": 1}},
    "participants.behaviour": {"participants": {"behaviour": {"borrower": "abm.agents:Borrower"}}},
    "rules": {
        "rules": [{"use": "abm.rules.haircuts:RiskHaircut", "parameters": {"model": "ewma"}}]
    },
    "close_out.recovery": {"close_out": {"recovery": True}},
    "recalls.notice": {"recalls": {"notice": 256}},
    "agreement.minimum_transfer_amount": {"agreement": {"minimum_transfer_amount": 1e19}},
}


@pytest.mark.parametrize("field", REFUSED)
def test_unsupported_terms_are_refused_by_name(field: str) -> None:
    with pytest.raises(InputError, match=rf"^base: {field}: .*ledger = \"columns\"$"):
        CollateralMarket(scenario(**REFUSED[field]), prices=PANEL)


@pytest.mark.parametrize(("column", "cell"), [("at_maturity", "replace"), ("start", "1")])
def test_loans_of_a_file_are_refused_as_well(column: str, cell: str, tmp_path: Path) -> None:
    file = tmp_path / "loans.csv"
    file.write_text(f"loan_id,lender,borrower,maturity,{column}\n7,L,B,1,{cell}\n")
    network = {"topology": "file", "file": str(file)}
    with pytest.raises(InputError, match=f"base: loan 7: {column}: .*columns"):
        CollateralMarket(scenario(network=network), prices=PANEL)


def test_the_same_terms_run_in_columns() -> None:
    for changes in REFUSED.values():
        CollateralMarket(scenario(**changes), prices=PANEL, ledger="columns").run()


def test_too_many_tokens_are_refused() -> None:
    names = [f"T{number}" for number in range(16)]
    frame = pd.DataFrame(100.0, index=PANEL.dates, columns=names)
    panel = PricePanel.from_frame(frame, "flat")
    with pytest.raises(InputError, match="16 tokens beside cash; the contracts take 15"):
        CollateralMarket(scenario(loan={"collateral": {"T0": 1}}), prices=panel)


def test_own_behaviour_is_refused() -> None:
    class Reluctant(Borrower):
        def meet_call(self, call: Any) -> bool:
            return False

    with pytest.raises(InputError, match=r"behaviours: .* the contracts decide"):
        CollateralMarket(scenario(), prices=PANEL, behaviours={"borrower": Reluctant})


def test_event_records_are_refused() -> None:
    with pytest.raises(InputError, match="keeps no event records"):
        CollateralMarket(scenario(), prices=PANEL, events=True)


def test_an_opening_that_the_contracts_refuse_names_the_loan() -> None:
    loans = [
        {"loan_id": 7, "lender": "L", "borrower": "B", "principal": 1e6, "collateral": {"A": 1}}
    ]
    with pytest.raises(InputError, match=r"loan 7: .*not enough collateral"):
        CollateralMarket(scenario(loan=None, loans=loans), prices=PANEL)


@given(
    haircut=st.integers(0, 9_999),
    margin=st.one_of(st.none(), st.integers(10_000, 30_000)),
    trigger=st.integers(0, 9_999),
    exposure=st.integers(1, 2**40),
)
@settings(max_examples=60, deadline=None)
def test_requirement_and_trigger_band_are_exact(
    haircut: int, margin: int | None, trigger: int, exposure: int
) -> None:
    """`R = ceil(L·10000/(10000-h))` and the band around it, whole numbers on both sides."""
    ratio = (
        {"haircut": haircut / 10_000} if margin is None else {"margin_percentage": margin / 10_000}
    )
    agreement = CollateralAgreement.model_validate({**ratio, "trigger": trigger / 10_000})
    accounts = new_accounts(*(np.zeros(1, np.int64) for _ in range(3)))
    accounts.exposure[0] = exposure
    terms, _ = terms_of([agreement], ["A", "cash"], "cash", 1)
    set_requirement(accounts, terms, 0)
    platform = _platform()
    number = platform.register_agreement(contract_terms(agreement, [0], 1))
    lender, borrower = platform.join("lender", ENOUGH), platform.join("borrower", ENOUGH)
    arguments = [borrower, number, 0, 0, [0, exposure], [1, 0]]
    loan = platform.machine.send(platform.lending, "offer", arguments, lender).output
    measure = platform.measure(loan)
    assert measure.exposure == exposure
    assert measure.required == accounts.required[0]
    assert measure.lower == accounts.lower[0]
    assert measure.upper == accounts.upper[0]


_KEPT: list[Platform] = []


def _platform() -> Platform:
    """One platform for all examples: each adds an agreement and an offer."""
    if not _KEPT:
        _KEPT.append(Platform(["A", "cash"], new_machine()))
        _KEPT[0].post([100])
    return _KEPT[0]


def test_terms_come_back_as_they_were_given() -> None:
    """Packed into one word of storage and out of it again, at the ends of their ranges."""
    platform = Platform([f"T{number}" for number in range(16)])
    order = tuple(reversed(range(16)))
    for terms in (
        AgreementTerms(9_999, 0, 9_999, 2**63 - 1, 1, 65_535, 255, NO_CAP, True, True, True, order),
        AgreementTerms(0, 1_000_000, 0, 0, 0, 0, 0, 0, False, False, False, (3,)),
    ):
        number = platform.register_agreement(terms)
        told = platform.machine.read(platform.lending, "terms", [number])
        numerator, denominator = (terms.margin or 10_000), 10_000 - terms.haircut
        assert list(told[:2]) == [numerator, denominator]
        assert list(told[2:11]) == list(terms[2:11])
        assert list(told[11]) == list(terms.priority)
