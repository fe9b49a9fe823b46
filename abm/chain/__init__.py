"""The margining of `abm` as contracts on an Ethereum machine that runs inside the process.

Sources and compiled artefacts are in `abm/chain/contracts`; `docs/contracts.md` describes them.
"""

from __future__ import annotations

from importlib.util import find_spec

from scenarios.errors import InputError
from scenarios.extras import advice

MACHINES = ("simular", "pyevm")
"""Ethereum machines, the preferred one first."""

_MODULES = {"simular": "simular", "pyevm": "eth"}


def installed() -> tuple[str, ...]:
    """The machines that are installed, the preferred one first."""
    if find_spec("eth_abi") is None:
        return ()
    return tuple(name for name in MACHINES if find_spec(_MODULES[name]) is not None)


def require() -> str:
    """The machine to use.

    Raises:
        InputError: none is installed; the message says how to get one.
    """
    found = installed()
    if not found:
        raise InputError(
            "the contracts need an Ethereum machine, which is not installed: " + advice("evm")
        )
    return found[0]
