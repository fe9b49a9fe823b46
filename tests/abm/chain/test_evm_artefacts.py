"""The bundled contracts are what their sources compile to, and Ethereum would take them."""

from __future__ import annotations

import pytest

from abm.chain import installed
from abm.chain.artefacts import COMPILER, CONTRACTS, FOLDER, compile_source
from abm.chain.machine import new_machine
from abm.chain.platform import MAX_TOKENS, Platform

EIP_170 = 24_576
"""Largest contract that Ethereum takes, in bytes of code."""


@pytest.mark.parametrize("name", CONTRACTS)
def test_artefacts_are_compiled_from_the_sources(name: str) -> None:
    pytest.importorskip("vyper", reason="compiling again needs vyper, of the dev group")
    assert compile_source(name) == (FOLDER / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CONTRACTS)
def test_sources_name_compiler_and_machine(name: str) -> None:
    lines = (FOLDER / f"{name}.vy").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == [f"# pragma version {COMPILER}", "# pragma evm-version cancun"]


def test_contracts_fit_onto_ethereum() -> None:
    """With the most tokens that they can number, for addresses of these are part of the code."""
    if "pyevm" not in installed():
        pytest.skip("asks py-evm for the code, which is not installed")
    from eth_utils import to_canonical_address

    platform = Platform([f"T{number}" for number in range(MAX_TOKENS)], new_machine("pyevm"))
    for contract in (platform.lending, platform.desk, platform.custodian, platform.oracle):
        code = platform.machine._state.get_code(to_canonical_address(contract.address))
        assert 0 < len(code) <= EIP_170, contract.artefact.name
