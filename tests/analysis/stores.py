"""Small results folders for tests: real markets, written as `collateral run` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from abm.experiments.schema import FACTOR, TABLES, factor_type, table_schema
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

PAIR: dict[str, Any] = {
    "money": {"currency": "USD", "unit": 0.01},
    "window": {"start": "2010-09-01", "end": "2010-10-01"},
    "prices": {
        "source": "gbm",
        "tokens": ["AAPL", "IBM"],
        "initial": [250.0, 125.0],
        "volatility": 0.02,
        "correlation": 0.5,
    },
    "loan": {"collateral": {"AAPL": 1000, "IBM": 2000}},
}
"""One lender and one borrower on two random prices for a month."""


def write_store(
    folder: Path,
    scenario: Scenario,
    designs: Sequence[Mapping[str, Any]] = ({},),
    replications: int = 3,
    tables: Sequence[str] = ("runs", "days"),
    fields: Mapping[str, str] | None = None,
    failing: Sequence[int] = (),
) -> Path:
    """Run every design and write the folder.

    Args:
        folder: where to.
        scenario: what is varied.
        designs: one a design: factor to value.
        replications: of each design, on common random numbers.
        tables: which to write.
        fields: the scenario's field behind a factor, where it has another name.
        failing: designs all of whose runs are recorded as failed.
    """
    fields = dict(fields or {})
    names = list(designs[0])
    types = {name: factor_type([design[name] for design in designs]) for name in names}
    frames: dict[str, list[pd.DataFrame]] = {table: [] for table in TABLES}
    tokens: tuple[str, ...] = ()
    changes = [{fields.get(k, k): v for k, v in design.items()} for design in designs]
    for number, design in enumerate(designs):
        for replication in range(replications):
            keys = {"scenario_id": number, "replication_id": replication}
            row = {**keys, "seed": 1, **{FACTOR + name: value for name, value in design.items()}}
            if number in failing:
                row |= {"status": "failed", "error": "InputError: no such token"}
                frames["runs"].append(pd.DataFrame([row]))
                continue
            seed = np.random.SeedSequence(1, spawn_key=(replication,))
            market = CollateralMarket(
                scenario, rng=seed, events="events" in tables, **changes[number]
            ).run()
            tokens = market.tokens
            row |= {"status": "ok", "error": "", **market.summary()}
            frames["runs"].append(pd.DataFrame([row]))
            for table in TABLES[1:]:
                if table in tables:
                    frames[table].append(getattr(market, f"{table}_frame")().assign(**keys))
            market.release()
    for table in tables:
        schema = table_schema(table, types, tokens)
        frame = pd.concat(frames[table]).reindex(columns=schema.names)
        (folder / table).mkdir(parents=True)
        rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        pq.write_table(rows.replace_schema_metadata(None), folder / table / "part-00000000.parquet")
    (folder / "manifest.json").write_text(
        json.dumps(
            {
                "format": 1,
                "status": "finished",
                "title": scenario.title or "A test",
                "name": "test",
                "experiment": {"replications": replications},
                "scenario": scenario.model_dump(mode="json"),
                "factors": {name: list({d[name]: 0 for d in designs}) for name in names},
                "designs": [
                    {"scenario_id": number, "factors": dict(design), "changes": changes[number]}
                    for number, design in enumerate(designs)
                ],
                "replications": replications,
                "seed": 1,
                "tables": list(tables),
                "runs": len(designs) * replications,
                "failed": len(failing) * replications,
                "currency": scenario.money.currency,
                "fingerprint": "0" * 64,
                "versions": {"python": "3.11.7", "collateral-abm": "0.1.0", "numpy": "2.4.6"},
                "machine": {"system": "Linux", "processor": "x86_64", "cores": 2},
                "started": "2026-01-01T00:00:00Z",
                "ended": "2026-01-01T00:01:00Z",
            },
            default=str,
        )
    )
    return folder
