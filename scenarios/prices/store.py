"""Price files that the program writes: complete or not at all, with a record beside them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from scenarios.errors import InputError
from scenarios.prices.files import read_prices, sidecar_of
from scenarios.prices.panel import PricePanel


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        InputError: the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def save_panel(panel: PricePanel, path: Path, details: dict[str, Any]) -> None:
    """Write a panel as wide CSV or Parquet, with its volumes if it has some, and its sidecar.

    Args:
        panel: the prices.
        path: ends in .csv or .parquet.
        details: what else the sidecar says; must be JSON.

    Raises:
        InputError: another ending, or the folder cannot be written to.
    """
    frame = panel.frame.join(panel.volume_frame)
    if path.suffix == ".parquet":
        content = frame.reset_index().to_parquet(index=False)
    elif path.suffix == ".csv":
        content = frame.to_csv(date_format="%Y-%m-%d").encode()
    else:
        raise InputError(f"{path}: the name must end in .csv or .parquet")
    record = {
        **details,
        "file": path.name,
        "columns": list(panel.tokens),
        "first_day": f"{panel.dates[0]:%Y-%m-%d}",
        "last_day": f"{panel.dates[-1]:%Y-%m-%d}",
        "days": len(panel.dates),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_atomically(path, content)
    write_atomically(sidecar_of(path), (json.dumps(record, indent=2) + "\n").encode())


def load_panel(path: Path) -> PricePanel | None:
    """A panel that `save_panel` wrote, or None if it is not there or no longer what was written."""
    try:
        record = json.loads(sidecar_of(path).read_text())
        content = path.read_bytes()
    except (OSError, ValueError):
        return None
    if record.get("sha256") != hashlib.sha256(content).hexdigest():
        return None
    return read_prices(path)
