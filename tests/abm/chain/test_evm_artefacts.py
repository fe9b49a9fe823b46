"""The bundled contracts are what their sources compile to, and Ethereum would take them."""

from __future__ import annotations

import pytest

from abm.chain import installed
from abm.chain.artefacts import COMPILER, CONTRACTS, FOLDER, PARTS, artefact, compile_source
from abm.chain.machines import new_machine
from abm.chain.platform import Platform
from abm.chain.records import MAX_TOKENS

EIP_170 = 24_576
"""Largest contract that Ethereum takes, in bytes of code."""
ROOM = 2_000
"""Bytes that stay free, for what a review asks for."""


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
    parts = [platform.machine.read(platform.lending, "LOANS", [])]
    contracts = (platform.lending, platform.desk, platform.custodian, platform.oracle)
    for address in [*parts, *(contract.address for contract in (*contracts, *platform.tokens[:1]))]:
        code = platform.machine._state.get_code(to_canonical_address(address))
        assert 0 < len(code) <= EIP_170 - ROOM, address


def test_the_parts_of_a_contract_agree_where_its_storage_lies() -> None:
    """One runs the other's code on its own storage: the layout must be the same, lock included."""
    pytest.importorskip("vyper", reason="compiling again needs vyper, of the dev group")
    from vyper.compiler import compile_code
    from vyper.compiler.input_bundle import FilesystemInputBundle

    layouts = []
    for name in ("Lending", *PARTS["Lending"]):
        source = (FOLDER / f"{name}.vy").read_text(encoding="utf-8")
        modules = FilesystemInputBundle([FOLDER])
        layout = compile_code(source, input_bundle=modules, output_formats=["layout"])["layout"]
        layouts.append({key: layout[key] for key in layout if "storage" in key})
    assert layouts[0] == layouts[1]
    assert layouts[0]["transient_storage_layout"]


def test_no_function_is_in_two_parts() -> None:
    names = [entry["name"] for entry in artefact("Lending").abi if entry["type"] == "function"]
    assert len(names) == len(set(names))
