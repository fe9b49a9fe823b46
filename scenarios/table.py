"""What every table of a scenario file has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """Values that do not change, no unknown keys, and fields described where they are declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")
