"""An Ethereum machine inside the process: what all that are supported have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from abm.chain.artefacts import Artefact

DAY = 86_400
FIRST_DAY = 40_000
"""Day of the machine's clock, since 1970, on which every market begins.

A fixed day in the future, for machines start no earlier than now, and gas depends on the digits.
"""

WORD = 2**256
TRANSACTION_GAS = 2**24
"""Gas that a transaction may use at most (EIP-7825)."""


class RevertedError(RuntimeError):
    """A transaction that a contract refused; nothing has changed. Its text is the reason."""


@dataclass(frozen=True)
class Receipt:
    """What a transaction gave back, and the gas that it used."""

    output: Any
    gas: int


@dataclass(frozen=True)
class Contract:
    """A contract at its address."""

    artefact: Artefact
    address: str


class Machine(Protocol):
    """Accounts, contracts and a clock."""

    def create_account(self, address: str) -> None:
        """Open an account that can send transactions."""

    def deploy(self, artefact: Artefact, arguments: Sequence[Any], sender: str) -> Contract:
        """Put a contract on the machine."""

    def send(
        self, contract: Contract, function: str, arguments: Sequence[Any], sender: str
    ) -> Receipt:
        """Execute a transaction.

        Raises:
            RevertedError: the contract refuses.
        """

    def read(self, contract: Contract, function: str, arguments: Sequence[Any]) -> Any:
        """Ask a contract something, without changing anything.

        Raises:
            RevertedError: the contract refuses.
        """

    @property
    def now(self) -> int:
        """The clock, in seconds since 1970."""

    def advance_to(self, timestamp: int) -> None:
        """Set the clock forward."""


def checked(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Arguments as plain Python values.

    Raises:
        ValueError: a number does not fit into a word. Machines answer that with worse.
    """
    return tuple(_plain(argument) for argument in arguments)


def _plain(argument: Any) -> Any:
    if isinstance(argument, str | bool):
        return argument
    if isinstance(argument, Sequence) or hasattr(argument, "tolist"):
        listed = argument.tolist() if hasattr(argument, "tolist") else argument
        return [_plain(item) for item in listed] if isinstance(listed, Sequence) else _plain(listed)
    number = int(argument)
    if not 0 <= number < WORD:
        raise ValueError(f"{argument} is not an unsigned number of 256 bits")
    return number
