"""Makes a machine of the kind that is installed."""

from __future__ import annotations

from abm.chain import require
from abm.chain.machine import DAY, FIRST_DAY, Machine


def new_machine(kind: str | None = None) -> Machine:
    """A fresh machine of an installed kind, its clock at the beginning of `FIRST_DAY`.

    Raises:
        InputError: none is installed.
    """
    kind = kind or require()
    machine: Machine
    if kind == "simular":
        from abm.chain.simular_machine import SimularMachine

        machine = SimularMachine()
    else:
        from abm.chain.pyevm_machine import PyEvmMachine

        machine = PyEvmMachine()
    machine.advance_to(FIRST_DAY * DAY)
    return machine
