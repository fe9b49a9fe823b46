"""`collateral bench`: how fast this machine simulates."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("bench")
@click.option("--loans", type=click.IntRange(100), default=1_000_000, show_default=True)
@click.option("--borrowers", type=click.IntRange(1), default=10_000, show_default=True)
@click.option(
    "--objects",
    type=click.IntRange(0),
    default=10_000,
    show_default=True,
    help="Loans in the comparison with one Python object a loan; 0 leaves it out.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the figures to a CSV.")
def command(loans: int, borrowers: int, objects: int, out: Path | None) -> None:
    """Measure the margin pass, the whole step, building and memory.

    Comparisons run in turn in one process; the ratios are what can be quoted, the absolute figures
    are this machine's. The columns of the CSV are described in docs/performance.md.
    """
    import math
    from dataclasses import astuple, fields

    from abm.benchmarks.market import measure
    from abm.benchmarks.measurement import Measurement
    from scenarios.errors import InputError

    if out is not None and not out.resolve().parent.is_dir():
        raise InputError(f"{out}: no folder {out.resolve().parent}")
    rows = []
    for row in measure(loans, borrowers, objects):
        rows.append(row)
        ratio = "" if math.isnan(row.ratio) else f"  {row.ratio:.2f} x {row.compared_with}"
        click.echo(f"{row.name:28} {row.size:>11,} loans {row.value:>10,.2f} {row.unit}{ratio}")
    if out is not None:
        import pandas as pd

        names = [field.name for field in fields(Measurement)]
        pd.DataFrame([astuple(row) for row in rows], columns=names).to_csv(out, index=False)
        click.echo(f"wrote {out}")
