"""The participants of a market as columns: names, roles, sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenarios.errors import InputError, nearest
from scenarios.kept import shared
from scenarios.participants import GivenParticipant, Role

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """One row a participant, sorted by name."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    size: Floats
    """Relative size; the mean of those drawn is 1."""
    given: dict[int, GivenParticipant]
    """What the scenario says of single participants, by row."""

    def rows(self, role: Role) -> npt.NDArray[np.int64]:
        """Rows of the participants of a role, shape (members,)."""
        rows: npt.NDArray[np.int64] = shared(self.roles).get(
            role, lambda: np.flatnonzero(np.array(self.roles) == role)
        )
        return rows

    def row(self, name: str) -> int:
        """Row of a participant.

        Raises:
            InputError: there is no such participant.
        """
        try:
            return self.names.index(name)
        except ValueError:
            near = nearest(name, self.names)
            raise InputError(f"no participant {name}{near}; there are {_few(self.names)}") from None


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
