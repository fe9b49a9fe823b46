"""Commands, and what happens without the extra."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from click.testing import CliRunner

from abm.chain import installed
from abm.commands.cli import main
from abm.model import CollateralMarket
from scenarios.errors import InputError

ADVICE = 'pip install -e ".[evm]"'
needs_machine = pytest.mark.skipif(not installed(), reason=f"needs the extra: {ADVICE}")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without Ethereum machines."""
    find = importlib.util.find_spec

    def find_spec(name: str, *more: Any) -> Any:
        return None if name in ("simular", "eth", "eth_abi") else find(name, *more)

    monkeypatch.setattr("abm.chain.find_spec", find_spec)


@pytest.mark.usefixtures("bare")
def test_without_the_extra_columns_work_and_contracts_say_what_to_install() -> None:
    assert installed() == ()
    CollateralMarket("prices-file", rng=1).step()
    with pytest.raises(InputError) as refusal:
        CollateralMarket("prices-file", rng=1, ledger="evm")
    assert ADVICE in str(refusal.value)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("arguments", [["verify", "prices-file"], ["gas"]])
def test_commands_say_what_to_install(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert ADVICE in result.output
    assert "Traceback" not in result.output


@needs_machine
def test_verify_says_that_both_are_equal() -> None:
    result = CliRunner().invoke(main, ["verify", "prices-file", "--set", "agreement.model=0"])
    assert result.exit_code == 0, result.output
    assert "equal: columns and contracts agree" in result.output


@needs_machine
def test_verify_shows_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    from abm.chain.chain import Chain

    monkeypatch.setattr(Chain, "adjust", lambda self, rows: {})
    result = CliRunner().invoke(main, ["verify", "prices-file", "--set", "agreement.model=1"])
    assert result.exit_code == 1
    assert "different: day 1: " in result.output


@needs_machine
def test_verify_refuses_what_the_contracts_lack() -> None:
    result = CliRunner().invoke(
        main, ["verify", "prices-file", "--set", "agreement.aggregated=true"]
    )
    assert result.exit_code == 2
    assert "agreement.aggregated: the contracts margin loan by loan" in result.output


@needs_machine
def test_gas_shows_a_roll_up() -> None:
    arguments = ["gas", "--models", "1", "--tokens", "1", "--days", "5", "--rollup"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "calldata" in result.output and "blobs" in result.output


@needs_machine
def test_gas_prints_and_writes_the_table(tmp_path: Any) -> None:
    import pandas as pd

    file = tmp_path / "gas.csv"
    options = ["--models", "1,4", "--tokens", "2", "--days", "11", "--csv", str(file)]
    result = CliRunner().invoke(main, ["gas", *options])
    assert result.exit_code == 0, result.output
    assert pd.read_csv(file)["model"].tolist() == [1, 4]
    wrong = CliRunner().invoke(main, ["gas", "--models", "one"])
    assert wrong.exit_code == 2
    missing = CliRunner().invoke(
        main, ["gas", "--days", "5", "--csv", str(tmp_path / "x" / "y.csv")]
    )
    assert missing.exit_code == 2
    assert "cannot be written" in missing.output
