"""What `collateral run` says of the paper's models against Model 0, on the same random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from abm.commands.layout import Block, parts_of, table_of, typed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meanings import ColumnMeaning

MODEL = "factor.model"


def has_models(runs: pd.DataFrame) -> bool:
    """Whether several of the paper's models were run, on several runs of which each has all."""
    if MODEL not in runs or runs[MODEL].nunique() < 2:
        return False
    return bool(runs.groupby(MODEL)["replication_id"].nunique().min() > 1)


def against_first_model(
    runs: pd.DataFrame,
    metrics: list[str],
    currency: str,
    meanings: Mapping[str, ColumnMeaning],
    width: int,
) -> str:
    """Differences from the first model, group by group of the other factors, and a sentence each.

    Args:
        runs: the finished ones.
        metrics: statistics to compare.
        currency: of money.
        meanings: of the columns.
        width: characters in a line.
    """
    from analysis.differences import paired_differences
    from analysis.labels import factor_label
    from analysis.results import varied_factors
    from analysis.summary import groups, records
    from analysis.variance import contained

    others = [name for name in varied_factors(runs) if name != MODEL]
    table = paired_differences(runs, MODEL, metrics)
    if not len(table):
        return ""
    baseline = f"Model {table['baseline'].iloc[0]}"
    texts = [f"Against {baseline}, on the same networks and prices:"]
    for key, rows in groups(table, others):
        where = ", ".join(
            f"{factor_label(name)} {level}" for name, level in zip(others, key, strict=True)
        )
        levels = list(dict.fromkeys(rows["level"]))
        head = Block((where or "all",), [f"Model {level}" for level in levels])
        blocks = [
            _differences(name, rows[rows["metric"] == name], currency, meanings[name])
            for name in metrics
        ]
        room = width - head.width - 2
        lines = [
            "\n".join(table_of([head, *part], left=(0,))) for part in parts_of(blocks, room) or []
        ]
        for level in levels:
            sentence = f"Model {level}: {in_words(records(rows[rows['level'] == level]))}"
            lines.append("\n".join(wrap(typed(sentence), width, subsequent_indent="  ")))
        texts.append("\n".join([*_apart(lines, len(levels))]))
    note = (
        "Mean difference [95 % interval], run by run; * where it excludes zero. One in twenty of"
        f" such intervals does by chance. {contained(table['sources'])}"
    )
    return "\n\n".join([*texts, "\n".join(wrap(note, width))])


def in_words(rows: list[dict[str, Any]]) -> str:
    """What is higher, what is lower and what does not clearly differ, in one sentence."""
    from analysis.labels import metric_phrase, number_label

    clear: dict[str, list[str]] = {"lower": [], "higher": []}
    unclear: list[str] = []
    for row in rows:
        words, base = metric_phrase(row["metric"]), abs(row["baseline_mean"])
        if row["difference"] == row["low"] == row["high"] == 0:
            continue
        if not is_clear(row):
            unclear.append(words)
            continue
        share = 100 * row["difference"] / base if base else 0.0
        told = f"{'+' if share > 0 else ''}{number_label(share, 2)} %" if base else "from 0"
        clear["higher" if row["difference"] > 0 else "lower"].append(f"{words} ({told})")
    parts = [f"{way} {', '.join(some)}" for way, some in clear.items() if some]
    if unclear:
        parts.append(f"no clear difference in {', '.join(unclear)}")
    return f"{'; '.join(parts) or 'no difference'}."


def is_clear(row: Mapping[str, Any]) -> bool:
    """Whether an interval excludes zero."""
    return bool(row["low"] > 0 or row["high"] < 0)


def _differences(name: str, rows: pd.DataFrame, currency: str, meaning: ColumnMeaning) -> Block:
    """The column of a statistic: a difference with its interval for each level, in one unit."""
    from analysis.labels import cell_label, metric_label, scale_of
    from analysis.summary import records

    divisor, told = scale_of(meaning, float(rows["difference"].abs().max()), currency)
    cells = []
    for row in records(rows):
        text, low, high = (
            typed(cell_label(row[at] / divisor)) for at in ("difference", "low", "high")
        )
        mark = "*" if is_clear(row) else " "
        cells.append(f"{text}{mark}" if low == text == high else f"{text} [{low}, {high}]{mark}")
    words = [*metric_label(name).split(", "), *([told] if told != "number" else [])]
    widest = max(15, *map(len, cells))
    return Block(
        tuple(line for text in words for line in wrap(text, widest, break_long_words=False)), cells
    )


def _apart(lines: list[str], sentences: int) -> list[str]:
    """Tables and sentences with empty lines between the tables, and before the sentences."""
    tables, told = lines[:-sentences], lines[-sentences:]
    return [*(f"{table}\n" for table in tables), *told]
