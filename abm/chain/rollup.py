"""What a day costs on a roll-up: execution there, and its data on the main chain."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from eth_abi import encode

from abm.chain.artefacts import artefact
from abm.chain.gas import example_prices
from abm.chain.machine import DAY, FIRST_DAY
from abm.chain.records import CUTOFF
from analysis.operating_cost import GWEI, Fees

MANY = 1_000
"""Tokens of an allowance, times a price: as many digits as those of the example have."""


class Rollup(NamedTuple):
    """Assumptions about a roll-up; round numbers, not a forecast."""

    execution_price: float = 0.01
    """Gwei for a unit of gas on the roll-up."""
    blob_price: float = 1.0
    """Gwei for a unit of blob gas on the main chain; a byte of a blob takes one (EIP-4844)."""
    blob_use: float = 0.8
    """Part of its blobs that a roll-up fills."""
    calldata_gas: float = 40.0
    """Gas of the main chain for a byte that is not zero, in transactions of mostly data (EIP-7623).
    """
    envelope: float = 80.0
    """Bytes of a transaction beside its data, compressed: a signature of 65 above all."""


def calldata(contract: str, function: str, arguments: Sequence[Any]) -> bytes:
    """The data of a transaction; its first four bytes are none that a contract knows.

    Their size is what counts here, and telling the right ones takes a library more.
    """
    for entry in artefact(contract).abi:
        if entry["type"] == "function" and entry["name"] == function:
            types = [argument["type"] for argument in entry["inputs"]]
            selector = hashlib.sha256(f"{contract}.{function}".encode()).digest()[:4]
            return selector + encode(types, list(arguments))
    raise ValueError(f"{contract} has no function {function}")


def day_bytes(
    model: int,
    tokens: int,
    batch: int,
    days: int,
    envelope: float,
    allowances: int = 0,
    on_demand: float = 1.0,
) -> float:
    """Bytes per loan and day that a roll-up brings to the main chain, compressed over all days.

    Args:
        model: of the paper; Model 0 settles its instructions, too.
        tokens: that each loan holds.
        batch: loans in a transaction.
        days: over which the data are compressed together, by zlib.
        envelope: bytes of a transaction beside its data.
        allowances: how many borrowers renew on all days, by transactions of their own.
        on_demand: part of the days on which the margin run is sent.
    """
    prices = example_prices(tokens, days + 1).in_units(1)[1:]
    runs = ("adjust", "settle_instructions") if model == 0 else ("adjust",)
    data, transactions = b"", 0
    sent = np.floor(np.arange(1, days + 1) * on_demand) > np.floor(np.arange(days) * on_demand)
    for day in range(days):
        observed = (FIRST_DAY + day + 1) * DAY + CUTOFF
        data += calldata("Oracle", "post", [prices[day].tolist(), observed])
        transactions += 1
        if sent[day]:
            for function in runs:
                data += calldata("Lending", function, [list(range(1, batch + 1))])
                transactions += 1
    for number in range(allowances):
        data += calldata("Token", "approve", [f"0x{1:040x}", int(prices[number % days, 0]) * MANY])
        transactions += 1
    return (len(zlib.compress(data, 9)) + transactions * envelope) / days / batch


def rollup_table(record: pd.DataFrame, fees: Fees, rollup: Rollup | None = None) -> pd.DataFrame:
    """A loan's day on the main chain and on a roll-up, in money.

    Args:
        record: gas of models, sizes and batches, as `abm.chain.gas.gas_table` gives it.
        fees: prices of gas and ether on the main chain.
        rollup: assumptions about the roll-up.

    Returns:
        Columns model, tokens, batch, run ("daily" or "on demand"), bytes, main, calldata, blobs:
        the last three are money per loan and day.
    """
    terms = rollup or Rollup()
    rows = []
    for _, row in record.iterrows():
        key = {name: int(row[name]) for name in ("model", "tokens", "batch")}
        days = int(row["days"])
        kinds = [("daily", row["gas_day"], 1.0)]
        if not np.isnan(row["gas_day_on_demand"]):
            kinds.append(("on demand", row["gas_day_on_demand"], row["calls"] / days))
        for run, gas, share in kinds:
            renewed = int(row["allowances"])
            size = day_bytes(
                **key, days=days, envelope=terms.envelope, allowances=renewed, on_demand=share
            )
            ether = GWEI * fees.ether_price
            there = gas * terms.execution_price * ether
            rows.append(
                {
                    **key,
                    "run": run,
                    "bytes": size,
                    "main": gas * fees.gas_price * ether,
                    "calldata": there + size * terms.calldata_gas * fees.gas_price * ether,
                    "blobs": there + size / terms.blob_use * terms.blob_price * ether,
                }
            )
    return pd.DataFrame(rows)


def rollup_markdown(table: pd.DataFrame) -> str:
    """The table as it stands in `docs/contracts.md`."""
    cells = rollup_cells(table)
    return str(cells.to_markdown(index=False, disable_numparse=True, stralign="right"))


def rollup_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Its figures as text."""
    shown = table.assign(bytes=table["bytes"].round().astype(int)).astype(str)
    for name in ("main", "calldata", "blobs"):
        shown[name] = [f"{money:.4f}" for money in table[name]]
    return shown
