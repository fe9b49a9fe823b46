"""The machine of py-evm: slow, for Python 3.12 and later, where simular-evm has no wheels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.state import CancunState
from eth.vm.spoof import SpoofTransaction
from eth_abi import decode, encode
from eth_utils import keccak, to_canonical_address, to_checksum_address

from abm.chain.artefacts import Artefact
from abm.chain.machine import TRANSACTION_GAS, Contract, Receipt, RevertedError, checked

_NOBODY = b"\x00" * 20
_REFUND_QUOTIENT = 5
"""At most this part of the gas used is refunded (EIP-3529)."""
_ERROR = keccak(text="Error(string)")[:4]


class PyEvmMachine:
    """Runs contracts in py-evm, under the rules of Cancun."""

    def __init__(self) -> None:
        self._db = AtomicDB()
        self._now = 0
        self._block = 0
        self._state = self._state_at(BLANK_ROOT_HASH)

    def _state_at(self, root: bytes) -> CancunState:
        context = ExecutionContext(
            coinbase=_NOBODY,
            timestamp=self._now,
            block_number=self._block,
            difficulty=0,
            mix_hash=b"\x00" * 32,
            gas_limit=TRANSACTION_GAS,
            prev_hashes=(),
            chain_id=1,
            base_fee_per_gas=0,
            excess_blob_gas=0,
        )
        return CancunState(self._db, context, root)

    def create_account(self, address: str) -> None:
        """Open an account; every address is one already."""

    def deploy(self, artefact: Artefact, arguments: Sequence[Any], sender: str) -> Contract:
        """Put a contract on the machine."""
        code = artefact.bytecode + encode(artefact.constructor, list(arguments))
        done, _ = self._execute(b"", code, sender)
        return Contract(artefact, to_checksum_address(done.msg.storage_address))

    def send(
        self, contract: Contract, function: str, arguments: Sequence[Any], sender: str
    ) -> Receipt:
        """Execute a transaction."""
        entry = _entry(contract.artefact, function)
        to = to_canonical_address(contract.address)
        done, gas = self._execute(to, _call(entry, arguments), sender)
        return Receipt(_output(entry, done.output), gas)

    def read(self, contract: Contract, function: str, arguments: Sequence[Any]) -> Any:
        """Ask a contract something."""
        entry = _entry(contract.artefact, function)
        before = self._state.snapshot()
        try:
            done, _ = self._execute(
                to_canonical_address(contract.address), _call(entry, arguments), None
            )
        finally:
            self._state.revert(before)
        return _output(entry, done.output)

    def _execute(self, to: bytes, data: bytes, sender: str | None) -> tuple[Any, int]:
        """Run a transaction, of nobody to only ask; gives the computation and the gas used."""
        state = self._state
        origin = _NOBODY if sender is None else to_canonical_address(sender)
        if sender is not None:
            # Storage is cold again, and what it costs to change counts from here.
            state.lock_changes()
        unsigned = CancunVM.get_transaction_builder().create_unsigned_transaction(
            nonce=state.get_nonce(origin),
            gas_price=0,
            gas=TRANSACTION_GAS,
            to=to,
            value=0,
            data=data,
        )
        done = state.apply_transaction(SpoofTransaction(unsigned, from_=origin))
        if done.is_error:
            raise RevertedError(_reason(done.output, done.error))
        used = TRANSACTION_GAS - done.get_gas_remaining()
        return done, used - min(done.get_gas_refund(), used // _REFUND_QUOTIENT)

    @property
    def now(self) -> int:
        """The clock."""
        return self._now

    def advance_to(self, timestamp: int) -> None:
        """Set the clock forward, to the next block."""
        if timestamp < self._now:
            raise ValueError(f"the clock is at {self._now} and cannot go back to {timestamp}")
        self._now = timestamp
        self._block += 1
        root = self._state.make_state_root()
        self._state.persist()
        self._state = self._state_at(root)


def _entry(artefact: Artefact, function: str) -> dict[str, Any]:
    for entry in artefact.abi:
        if entry["type"] == "function" and entry["name"] == function:
            return entry
    raise ValueError(f"{artefact.name} has no function {function}")


def _type(argument: dict[str, Any]) -> str:
    """The ABI type of an argument, structs written out."""
    kind: str = argument["type"]
    if kind.startswith("tuple"):
        parts = ",".join(_type(part) for part in argument["components"])
        return f"({parts}){kind.removeprefix('tuple')}"
    return kind


def _call(entry: dict[str, Any], arguments: Sequence[Any]) -> bytes:
    types = [_type(argument) for argument in entry["inputs"]]
    selector = keccak(text=f"{entry['name']}({','.join(types)})")[:4]
    return bytes(selector) + encode(types, list(map(_as_bytes, types, checked(arguments))))


def _as_bytes(kind: str, argument: Any) -> Any:
    """An argument whose type is that of bytes from its hexadecimal digits."""
    return bytes.fromhex(argument[2:]) if kind.startswith("bytes") else argument


def _output(entry: dict[str, Any], data: bytes) -> Any:
    """What a call gave back: an array as a list, a struct as a tuple, nothing as None."""
    kinds = entry["outputs"]
    if not kinds:
        return None
    decoded = decode([_type(kind) for kind in kinds], data)
    values = tuple(_listed(kind, value) for kind, value in zip(kinds, decoded, strict=True))
    return values[0] if len(values) == 1 else values


def _listed(kind: dict[str, Any], value: Any) -> Any:
    """A decoded value with its arrays as lists, as the other machine has them."""
    if kind["type"].endswith("]"):
        entries = {**kind, "type": kind["type"].rpartition("[")[0]}
        return [_listed(entries, entry) for entry in value]
    if kind["type"] == "tuple":
        parts = zip(kind["components"], value, strict=True)
        return tuple(_listed(part, entry) for part, entry in parts)
    return value


def _reason(output: bytes, error: Exception) -> str:
    if output[:4] == _ERROR:
        return str(decode(["string"], output[4:])[0])
    return str(error) or "reverted"
