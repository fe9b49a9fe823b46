"""What `collateral run` says at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from abm.commands.against import against_first_model, has_models
from abm.commands.layout import GAP, Block, parts_of, table_of, typed
from abm.commands.terminal import width, wrapped
from abm.experiments.execute import Finished

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meanings import ColumnMeaning

SHOWN = 11
"""How many of the headline statistics of an experiment are shown: risk, losses, then operations."""

MOST_ROWS, MOST_BLOCKS = 48, 12
"""Designs that are shown in a table, and one below the other."""


def overview(finished: Finished) -> str:
    """The main statistics as a table that fits the terminal, and where the files are."""
    from analysis import read_results

    results = read_results(finished.folder)
    runs = results.all_runs
    currency = str(results.manifest.get("currency", ""))
    done = runs[runs["status"] == "ok"]
    parts = []
    if len(done) == 1 and finished.runs == 1:
        parts.append(_one_run(done.iloc[0], currency, results.table("runs").columns))
    elif len(done):
        parts.append(_designs(done, results.factors, currency, results.table("runs").columns))
    errors = runs.loc[runs["status"] == "failed", "error"].value_counts()
    for error, number in errors.head(3).items():
        parts.append(f"{number} of {len(runs)} runs failed: {error}")
    if len(errors) > 3:
        parts.append(f"and {len(errors) - 3} other errors")
    if len(errors) and finished.runs > 1:
        parts.append(
            f"Which they are: the columns status and error of {finished.folder}/runs. With"
            " --workers 0 each error in code of one's own shows its traceback."
        )
    tables = ", ".join(str(table) for table in results.manifest.get("tables", ()))
    parts.append(
        f"{finished.runs} {'run' if finished.runs == 1 else 'runs'} in {finished.seconds:.1f} s."
        f" Results: {finished.folder} ({tables}; manifest.json)"
    )
    return "\n\n".join(parts)


def _one_run(run: pd.Series, currency: str, columns: Mapping[str, ColumnMeaning]) -> str:
    """Every statistic that is not 0, the headlines first."""
    from analysis.summary import HEADLINES
    from analysis.variance import ONE_HISTORY, ONE_HISTORY_WORDS

    first = HEADLINES[:SHOWN]
    statistics = list(columns)[list(columns).index("days") :]
    names = [*first, *(name for name in statistics if name not in first)]
    told = [name for name in names if run[name] and not math.isnan(run[name])]
    names_of = Block(("statistic",), told)
    values = Block(("value",), [plain(float(run[name])) for name in told])
    units = [columns[name].unit for name in told]
    units_of = Block(("unit",), [currency if unit == "money" else unit for unit in units])
    lines = table_of([names_of, values, units_of], left=(0, 2))
    after = sum(name in first for name in told)
    if 0 < after < len(told):
        lines.insert(2 + after, "")
    note = "Statistics that are 0 or empty are left out."
    if run.get(ONE_HISTORY):
        note += f" Prices are {ONE_HISTORY_WORDS}: what others would have done is not in them."
    return "\n".join([*lines, "", wrapped(note)])


def plain(value: float) -> str:
    """One statistic by itself: thousands set apart, decimals only below 1,000."""
    from analysis.labels import cell_label

    return typed(cell_label(value, 4))


def _designs(
    runs: pd.DataFrame, factors: list[str], currency: str, meanings: Mapping[str, ColumnMeaning]
) -> str:
    """A row a design: means over its runs, with intervals."""
    from analysis.labels import design_label, factor_label
    from analysis.summary import HEADLINES, headlines, records, summarise
    from analysis.variance import ONE_HISTORY_WORDS, contained

    metrics = [name for name in headlines(runs) if name in HEADLINES[:SHOWN]]
    summary = summarise(runs, metrics, ["scenario_id", *factors])
    designs = summary.drop_duplicates("scenario_id")
    short = [factor_label(name) for name in factors]
    heads = [a if short.count(a) == 1 else b for a, b in zip(short, factors, strict=True)]
    keys = [
        Block((head,), [_level(level) for level in designs[name]])
        for head, name in zip(heads, factors, strict=True)
    ]
    if designs["sources"].str.endswith(ONE_HISTORY_WORDS).any():
        told = designs["sources"].str.endswith(ONE_HISTORY_WORDS)
        keys.append(Block(("prices",), [ONE_HISTORY_WORDS if one else "drawn" for one in told]))
    keys.append(Block(("runs",), [str(count) for count in designs["runs"]]))
    columns = [
        _statistic(name, summary[summary["metric"] == name], currency, meanings[name])
        for name in metrics
    ]
    room = width() - sum(block.width + GAP for block in keys)
    parts = parts_of(columns, room)
    if parts is None:
        shown = min(len(designs), MOST_BLOCKS)
        text = "\n\n".join(
            _vertical(typed(design_label(row, factors)), columns, position, width())
            for position, row in enumerate(records(designs.head(shown)))
        )
    else:
        shown = min(len(designs), MOST_ROWS)
        text = "\n\n".join(
            "\n".join(table_of([block.top(shown) for block in [*keys, *part]])) for part in parts
        )
    more = f" The first {shown} of {len(designs)} designs." if shown < len(designs) else ""
    note = (
        "Mean over runs [95 % interval]; none where its ends are the mean to these digits."
        f" {contained(designs['sources'])}{more}"
    )
    said = ["\n".join([text, "", wrapped(note)])]
    if has_models(runs):
        said.append(against_first_model(runs, metrics, currency, meanings, width()))
    return "\n\n".join(said)


def _level(level: object) -> str:
    """A level of a factor in a cell."""
    from analysis.labels import number_label

    if isinstance(level, bool | str) or not isinstance(level, int | float):
        return str(level)
    return typed(number_label(float(level)))


def _statistic(name: str, rows: pd.DataFrame, currency: str, meaning: ColumnMeaning) -> Block:
    """The column of a statistic: a mean with its interval for each design, in one unit."""
    from analysis.labels import cell_label, metric_label, scale_of

    largest = float(rows["mean"].abs().max())
    divisor, told = scale_of(meaning, largest, currency)

    def cell(row: pd.Series) -> str:
        mean, low, high = (typed(cell_label(row[at] / divisor)) for at in ("mean", "low", "high"))
        return mean if row["runs"] < 2 or low == mean == high else f"{mean} [{low}, {high}]"

    cells = [cell(row) for _, row in rows.iterrows()]
    words = [*metric_label(name).split(", "), *([told] if told != "number" else [])]
    widest = max(15, *map(len, cells))
    return Block(
        tuple(line for text in words for line in wrap(text, widest, break_long_words=False)), cells
    )


def _vertical(design: str, columns: Sequence[Block], position: int, room: int) -> str:
    """One design: its number under each statistic."""
    lines = wrap(design, room)
    for block in columns:
        lines += wrap(" ".join(block.head), room, initial_indent="  ", subsequent_indent="  ")
        lines.append(f"    {block.cells[position]}")
    return "\n".join(lines)
