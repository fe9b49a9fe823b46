"""One line of what `collateral bench` measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One row of the benchmarks' CSV (`docs/performance.md`)."""

    name: str
    size: int
    """Of what is measured: loans of a market, runs of an experiment."""
    value: float
    unit: str
    compared_with: str = ""
    ratio: float = float("nan")
    """Of the rates of this one and the other, or as the name says; above 1 this is the faster."""
