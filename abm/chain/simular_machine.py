"""The machine of simular-evm: fast, for Python before 3.12."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import simular
from eth_abi import encode

from abm.chain.artefacts import Artefact
from abm.chain.machine import TRANSACTION_GAS, Contract, Receipt, RevertedError, checked

_REASON = re.compile(r'revert: (.*?)"')


class SimularMachine:
    """Runs contracts in revm, through simular-evm."""

    def __init__(self) -> None:
        self._evm = simular.PyEvm()
        self._abis: dict[str, Any] = {}
        self._now: int | None = None

    def create_account(self, address: str) -> None:
        """Open an account that can send transactions."""
        self._evm.create_account(address, 0)

    def deploy(self, artefact: Artefact, arguments: Sequence[Any], sender: str) -> Contract:
        """Put a contract on the machine."""
        # simular parses text; encoded here, the arguments cannot be misread.
        code = artefact.bytecode + encode(artefact.constructor, list(arguments))
        abi = [entry for entry in artefact.abi if entry["type"] != "constructor"]
        compiled = simular.PyAbi.from_abi_bytecode(json.dumps(abi), code)
        address = simular.Contract(self._evm, compiled).deploy(caller=sender)
        self._abis.setdefault(artefact.name, compiled)
        return Contract(artefact, address)

    def send(
        self, contract: Contract, function: str, arguments: Sequence[Any], sender: str
    ) -> Receipt:
        """Execute a transaction."""
        text = simular.contract.convert_for_soltypes(checked(arguments))
        abi = self._abis[contract.artefact.name]
        try:
            done = self._evm.transact(function, text, sender, contract.address, 0, abi)
        except RuntimeError as error:
            raise _reverted(error) from None
        if done.gas_used > TRANSACTION_GAS:
            # This machine knows no such limit; on a chain nothing would have happened.
            raise RuntimeError(f"{function} used {done.gas_used} gas, more than a transaction may")
        return Receipt(done.output, done.gas_used)

    def read(self, contract: Contract, function: str, arguments: Sequence[Any]) -> Any:
        """Ask a contract something."""
        text = simular.contract.convert_for_soltypes(checked(arguments))
        abi = self._abis[contract.artefact.name]
        try:
            return self._evm.call(function, text, contract.address, abi)
        except RuntimeError as error:
            raise _reverted(error) from None

    @property
    def now(self) -> int:
        """The clock."""
        if self._now is None:
            self._now = self._block_time()
        return self._now

    def advance_to(self, timestamp: int) -> None:
        """Set the clock forward."""
        if timestamp < self.now:
            raise ValueError(f"the clock is at {self.now} and cannot go back to {timestamp}")
        if timestamp > self.now:
            self._evm.advance_block(timestamp - self.now)
            self._now = timestamp

    def _block_time(self) -> int:
        """The time at which the machine started, which it tells only to contracts."""
        # TIMESTAMP, stored at 0 and returned; before it, what deploys these seven bytes.
        runtime = bytes.fromhex("425f5260205ff3")
        deploy = bytes.fromhex("6007600a5f3960075ff3") + runtime
        abi = [
            {
                "type": "function",
                "name": "time",
                "inputs": [],
                "outputs": [{"name": "", "type": "uint256"}],
                "stateMutability": "view",
            }
        ]
        compiled = simular.PyAbi.from_abi_bytecode(json.dumps(abi), deploy)
        sender = "0x" + "77" * 20
        self._evm.create_account(sender, 0)
        address = simular.Contract(self._evm, compiled).deploy(caller=sender)
        return int(self._evm.call("time", "()", address, compiled))


def _reverted(error: RuntimeError) -> RevertedError:
    first = str(error).splitlines()[0]
    found = _REASON.search(first)
    return RevertedError(found.group(1) if found else first)
