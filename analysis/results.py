"""Reading what a sweep wrote: small tables whole, large ones only as far as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from analysis.errors import ResultsError
from analysis.meanings import FACTOR, ColumnMeaning

KEYS = ("scenario_id", "replication_id")
"""What joins the tables: the design of a run, and which of its replications it is."""

TABLES = ("runs", "days", "events", "participants", "loans", "exposures")

MOST_DESIGNS = 20
"""Rows of designs that results show in a notebook."""


@dataclass(frozen=True)
class LazyTable:
    """A table on disk, of which only what is asked for is read.

    `dataset` is the pyarrow dataset, for filters and batches of one's own.
    """

    name: str
    dataset: ds.Dataset

    @cached_property
    def columns(self) -> dict[str, ColumnMeaning]:
        """Unit and meaning of each column; empty strings where the files say nothing."""
        return {field.name: _meaning(field) for field in self.dataset.schema}

    def __len__(self) -> int:
        return self._rows

    @cached_property
    def _rows(self) -> int:
        with _readable(self.name):
            return int(self.dataset.count_rows())

    def frame(
        self,
        columns: Sequence[str] | None = None,
        *,
        scenarios: Sequence[Any] | None = None,
        replications: Sequence[Any] | None = None,
    ) -> pd.DataFrame:
        """The rows of some designs and replications, sorted by these (and by day).

        Args:
            columns: which columns beside the keys; all if not given.
            scenarios: values of `scenario_id`; all if not given.
            replications: values of `replication_id`; all if not given.

        Raises:
            ResultsError: no such column, or a file that cannot be read.
        """
        names = list(self.columns)
        if columns is not None:
            for column in columns:
                if column not in names:
                    raise ResultsError(f"table {self.name}: no column {column}")
            order = [name for name in (*KEYS, "day") if name in names]
            names = list(dict.fromkeys([*order, *columns]))
        condition = None
        for key, wanted in zip(KEYS, (scenarios, replications), strict=True):
            if wanted is not None:
                # pyarrow does not take numpy scalars.
                values = [getattr(value, "item", lambda v=value: v)() for value in wanted]
                term = ds.field(key).isin(values)
                condition = term if condition is None else condition & term
        with _readable(self.name):
            rows = self.dataset.to_table(columns=names, filter=condition)
        frame: pd.DataFrame = rows.to_pandas()
        order = [name for name in (*KEYS, "day", "loan_id", "participant") if name in frame]
        if self.name == "events":
            order = [name for name in (*KEYS, "day") if name in frame]
        return frame.sort_values(order, ignore_index=True, kind="stable")


class Results:
    """The results of one experiment.

    Args:
        folder: where the sweep wrote; a path or an fsspec URL.

    Raises:
        ResultsError: there is no such folder, or no results in it.
    """

    def __init__(self, folder: str | Path):
        self.folder = str(folder)
        self._files, self._root = _filesystem(self.folder)
        if self._files.get_file_info(self._root).type != fs.FileType.Directory:
            raise ResultsError(f"{self.folder}: no such folder")
        self.manifest: dict[str, Any] = self._read_manifest()

    def _read_manifest(self) -> dict[str, Any]:
        path = f"{self._root}/manifest.json"
        if self._files.get_file_info(path).type != fs.FileType.File:
            raise ResultsError(
                f"{self.folder}: not a results folder (no manifest.json; `collateral run --out`"
                " writes one)"
            )
        with self._files.open_input_stream(path) as stream:
            try:
                manifest = json.loads(stream.read())
            except ValueError as error:
                raise ResultsError(f"{self.folder}: manifest.json is damaged: {error}") from None
        if not isinstance(manifest, dict):
            raise ResultsError(f"{self.folder}: manifest.json must hold a table")
        return manifest

    def __repr__(self) -> str:
        return f"<Results {self.folder}: {', '.join(self._told().values())}>"

    def _repr_html_(self) -> str:
        """What they are of, and a row a design with its runs."""
        told = "".join(f"<div>{escape(text)}</div>" for text in self._told().values())
        designs = self.designs.to_html(index=False, max_rows=MOST_DESIGNS, border=0)
        return f"<div><b>Results {escape(self.folder)}</b>{told}{designs}</div>"

    def _told(self) -> dict[str, str]:
        """What they are of, in a few words."""
        done, manifest = self.all_runs, self.manifest
        designs, failed = len(manifest.get("designs", ())), len(self.failed)
        return {
            "name": " ".join(str(manifest.get(key, "")) for key in ("name", "title")).strip(),
            "designs": "1 design" if designs == 1 else f"{designs} designs",
            "runs": f"{len(done)} of {manifest.get('runs', len(done))} runs, {failed} failed",
            "tables": f"tables {' '.join(name for name in TABLES if self._recorded(name))}",
        }

    def has(self, name: str) -> bool:
        """Whether the experiment recorded a table, and it holds rows.

        Raises:
            ResultsError: there are files of it that cannot be read.
        """
        return self._recorded(name) and len(self.table(name)) > 0

    def _recorded(self, name: str) -> bool:
        infos = self._files.get_file_info(self._selector(name))
        return any(info.extension == "parquet" for info in infos)

    def _selector(self, name: str) -> fs.FileSelector:
        return fs.FileSelector(f"{self._root}/{name}", recursive=True, allow_not_found=True)

    def table(self, name: str) -> LazyTable:
        """A table, unread.

        Args:
            name: one of `TABLES`.

        Raises:
            ResultsError: the experiment did not record it, or its files cannot be read.
        """
        if not self._recorded(name):
            raise ResultsError(f"{self.folder}: no table {name} was recorded")
        with _readable(name):
            factory = ds.FileSystemDatasetFactory(
                self._files,
                self._selector(name),
                ds.ParquetFileFormat(),
                ds.FileSystemFactoryOptions(),
            )
            # Designs may differ in columns: each has its own tokens, or leaves a factor empty.
            schema = pa.unify_schemas(factory.inspect_schemas(), promote_options="permissive")
            return LazyTable(name, factory.finish(schema))

    @cached_property
    def all_runs(self) -> pd.DataFrame:
        """Table `runs`, failed ones included: factors, status and statistics of each run."""
        return self.table("runs").frame()

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The finished runs: factors and summary statistics, one row each."""
        runs = self.all_runs
        return runs[runs["status"] == "ok"].reset_index(drop=True) if "status" in runs else runs

    @cached_property
    def failed(self) -> pd.DataFrame:
        """The runs that ended with an error."""
        runs = self.all_runs
        return runs[runs["status"] != "ok"].reset_index(drop=True) if "status" in runs else runs[:0]

    @cached_property
    def days(self) -> LazyTable:
        """Table `days`: a row a run and day."""
        return self.table("days")

    @cached_property
    def events(self) -> LazyTable:
        """Table `events`, if it was recorded."""
        return self.table("events")

    @cached_property
    def participants(self) -> LazyTable:
        """Table `participants`, if it was recorded."""
        return self.table("participants")

    @cached_property
    def loans(self) -> LazyTable:
        """Table `loans`, if it was recorded."""
        return self.table("loans")

    @cached_property
    def exposures(self) -> LazyTable:
        """Table `exposures`, if it was recorded."""
        return self.table("exposures")

    @cached_property
    def factors(self) -> list[str]:
        """The columns of `runs` that differ between designs."""
        return varied_factors(self.all_runs)

    @cached_property
    def designs(self) -> pd.DataFrame:
        """One row a design that has finished runs: `scenario_id`, the factors, number of `runs`."""
        sizes = self.runs.groupby(KEYS[0]).size().rename("runs").reset_index()
        first = self.runs.drop_duplicates(KEYS[0])[[KEYS[0], *self.factors]]
        return first.merge(sizes, on=KEYS[0]).sort_values(KEYS[0], ignore_index=True)

    def with_factors(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of any table with the factors of their design as further columns."""
        return frame.merge(self.designs.drop(columns="runs"), on=KEYS[0], how="left")

    @cached_property
    def meanings(self) -> Mapping[str, ColumnMeaning]:
        """Unit and meaning of the columns of `runs` and `days`."""
        known: dict[str, ColumnMeaning] = {}
        for name in ("days", "runs"):
            try:
                known.update(self.table(name).columns)
            except ResultsError:
                continue
        return known


def read_results(folder: str | Path) -> Results:
    """The results that `collateral run --out FOLDER` wrote.

    Raises:
        ResultsError: there is no such folder, or no results in it.
    """
    from analysis.labels import learn

    results = Results(folder)
    learn(results.meanings)
    return results


def varied_factors(runs: pd.DataFrame) -> list[str]:
    """Names of the `factor.` columns that take more than one value, in their order."""
    named = [name for name in runs.columns if name.startswith(FACTOR)]
    return [name for name in named if len(set(runs[name].astype(str))) > 1]


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Have damaged files of a table told in one line; pyarrow names the file."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise ResultsError(f"table {name} cannot be read: {reason}") from None


def _filesystem(folder: str) -> tuple[fs.FileSystem, str]:
    """The filesystem of a path or URL, and the path on it."""
    if "://" not in folder:
        return fs.LocalFileSystem(), str(Path(folder).resolve())
    try:
        import fsspec

        files, root = fsspec.core.url_to_fs(folder)
    except (ImportError, ValueError) as error:
        raise ResultsError(f"{folder}: cannot be opened: {error}") from None
    return fs.PyFileSystem(fs.FSSpecHandler(files)), root.rstrip("/")


def _meaning(field: pa.Field) -> ColumnMeaning:
    metadata = field.metadata or {}
    return ColumnMeaning(
        *(metadata.get(key.encode(), b"").decode() for key in ColumnMeaning._fields)
    )
