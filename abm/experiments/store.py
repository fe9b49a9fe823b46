"""The results folder: a manifest and Parquet datasets, on disk or behind any fsspec URL.

    DIR/manifest.json
    DIR/runs/part-00000000.parquet      one row a run
    DIR/days/part-00000000.parquet      one row a run and day
    DIR/events/…, DIR/participants/…, DIR/loans/…   if asked for

A part holds some runs and is named by the first of them. It is written under a temporary name
outside the datasets and then moved, `runs` last: what `runs` lists is complete in all tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any
from uuid import uuid4

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from abm.experiments.columns import (
    Days,
    Summed,
    summed,
    table_of_days,
    table_of_frame,
    table_of_runs,
)
from abm.experiments.schema import TABLES
from scenarios.errors import InputError

MANIFEST, REPORT = "manifest.json", "report.html"
FORMAT = 1
"""Version of this layout, in the manifest."""

_TEMPORARY = ".tmp"
_ROWS_IN_MEMORY = 200_000


class Store:
    """A results folder."""

    def __init__(self, folder: str):
        """The folder need not exist; `folder` is a path or an fsspec URL (`s3://…`).

        Raises:
            InputError: a URL that fsspec cannot serve.
        """
        self.folder = str(folder)
        try:
            self.files, root = fsspec.core.url_to_fs(self.folder)
        except (ValueError, ImportError) as error:
            raise InputError(f"{folder}: not a folder that can be used ({error})") from None
        self.root = str(root).rstrip("/")
        self.is_local = isinstance(self.files, LocalFileSystem)

    def path(self, *parts: str) -> str:
        """A path inside the folder, as its file system names it."""
        return "/".join((self.root, *parts))

    def prepare(self) -> None:
        """Make the folder, and see that files can be written and moved there.

        Raises:
            InputError: they cannot.
        """
        try:
            self.files.makedirs(self.path(_TEMPORARY), exist_ok=True)
            probe = self._temporary()
            self.files.pipe_file(probe, b"0" * 65536)
            self.files.rm_file(probe)
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest, or None if there is none yet.

        Raises:
            InputError: it is not a manifest, or a file stands where the folder should.
        """
        try:
            manifest = json.loads(self.files.cat_file(self.path(MANIFEST)))
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise InputError(f"{self.folder}: a file is in the way; name another folder") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{self.folder}/{MANIFEST}: cannot be read ({error})") from None
        if not isinstance(manifest, dict) or "format" not in manifest:
            raise InputError(f"{self.folder}/{MANIFEST}: not a manifest of results")
        return manifest

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest, whole or not at all."""
        content = json.dumps({"format": FORMAT, **manifest}, indent=1, default=str) + "\n"
        temporary = self._temporary()
        try:
            self.files.pipe_file(temporary, content.encode())
            self._move(temporary, self.path(MANIFEST))
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def is_empty(self) -> bool:
        """Whether there is nothing in the folder that we would mix our files with."""
        try:
            names = {path.rsplit("/", 1)[-1] for path in self.files.ls(self.root, detail=False)}
        except FileNotFoundError:
            return True
        except OSError as error:
            raise unwritable(self.folder, error) from None
        return names <= {_TEMPORARY}

    def parts(self, table: str) -> list[str]:
        """Paths of the parts of a table, in order."""
        return sorted(self.files.glob(self.path(table, "part-*.parquet")))

    def finished(self) -> pd.DataFrame:
        """Keys and status of the runs that are stored: scenario_id, replication_id, status.

        Raises:
            InputError: a part is damaged.
        """
        names = ["scenario_id", "replication_id", "status"]
        frames = []
        for path in self.parts("runs"):
            with self.files.open(path, "rb") as file:
                try:
                    # In this thread: a process that ends at once must not have begun others.
                    part = pq.ParquetFile(file).read(columns=names, use_threads=False)
                    frames.append(part.to_pandas(use_threads=False))
                except pa.ArrowException as error:
                    reason = str(error).splitlines()[0].rpartition("': ")[2]
                    raise InputError(
                        f"{path}: cannot be read ({reason}); remove it to have its runs repeated"
                    ) from None
        if not frames:
            return pd.DataFrame({name: np.zeros(0, np.int64) for name in names})
        return pd.concat(frames, ignore_index=True)

    def clean(self) -> None:
        """Remove what an interrupted sweep left behind: unfinished files, tables without runs."""
        known = {path.rsplit("/", 1)[-1] for path in self.parts("runs")}
        for table in TABLES[1:]:
            for path in self.parts(table):
                if path.rsplit("/", 1)[-1] not in known:
                    self.files.rm_file(path)
        if self.files.exists(self.path(_TEMPORARY)):
            self.files.rm(self.path(_TEMPORARY), recursive=True)
        self.files.makedirs(self.path(_TEMPORARY), exist_ok=True)

    def discard(self) -> None:
        """Remove the results in the folder, and the report on them, if there are any."""
        if self.read_manifest() is None:
            return
        try:
            for name in (*TABLES, MANIFEST, REPORT):
                if self.files.exists(self.path(name)):
                    self.files.rm(self.path(name), recursive=True)
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def close(self) -> None:
        """Remove the folder of temporary files, if nobody has any there."""
        if self.is_local and not self.files.ls(self.path(_TEMPORARY)):
            self.files.rmdir(self.path(_TEMPORARY))

    def part(self, first_run: int, schemas: Mapping[str, pa.Schema]) -> Part:
        """A part to write, named by its first run; `schemas` has its tables."""
        return Part(self, f"part-{first_run:08d}.parquet", schemas)

    def _temporary(self) -> str:
        return self.path(_TEMPORARY, uuid4().hex)

    def _move(self, source: str, target: str) -> None:
        if self.is_local:
            from pathlib import Path

            Path(source).replace(target)
        else:
            self.files.mv(source, target)


class Part:
    """One part of every table, in the making; `with` it, then it is there or not at all."""

    def __init__(self, store: Store, name: str, schemas: Mapping[str, pa.Schema]):
        self.store, self.name, self.schemas = store, name, schemas
        self._files: dict[str, tuple[str, Any, pq.ParquetWriter]] = {}
        self._waiting: dict[str, list[pa.Table]] = {table: [] for table in schemas}
        self._runs: list[dict[str, Any]] = []
        self._summed: list[Summed] = []
        self._days: list[tuple[int, Days]] = []
        self._rows_of_days = 0

    def add(self, table: str, keys: Mapping[str, int], frame: pd.DataFrame) -> None:
        """Add rows of a run to a table.

        Args:
            table: one of `schemas`.
            keys: scenario_id and replication_id.
            frame: the other columns; those that it lacks are left empty.
        """
        waiting = self._waiting[table]
        waiting.append(table_of_frame(self.schemas[table], keys, frame))
        if sum(part.num_rows for part in waiting) >= _ROWS_IN_MEMORY:
            self._flush(table)

    def add_run(self, told: Mapping[str, Any], days: Days | None = None) -> None:
        """Add a run.

        Args:
            told: what there is to tell of it, its keys among that; columns that it lacks are left
                empty.
            days: of the run, if it did not fail; they are summed up in its row.
        """
        self._runs.append(dict(told))
        if days is not None:
            self._days.append((len(self._runs) - 1, days))
            self._rows_of_days += len(days.dates)
        if self._rows_of_days >= _ROWS_IN_MEMORY:
            self._flush("days")

    def __enter__(self) -> Part:
        files = self.store.files
        files.makedirs(self.store.path(_TEMPORARY), exist_ok=True)
        for table, schema in self.schemas.items():
            files.makedirs(self.store.path(table), exist_ok=True)
            temporary = self.store._temporary()
            file = files.open(temporary, "wb")
            # Numbers hardly repeat: a dictionary of them costs time and saves nothing.
            texts = [field.name for field in schema if field.type == pa.string()]
            writer = pq.ParquetWriter(file, schema, use_dictionary=texts)
            self._files[table] = (temporary, file, writer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                for table in (*TABLES[1:], TABLES[0]):
                    if table in self.schemas:
                        self._flush(table)
            for _, file, writer in self._files.values():
                writer.close()
                file.close()
            if kind is None:
                for table in sorted(self.schemas, key=TABLES.index, reverse=True):
                    self.store._move(self._files[table][0], self.store.path(table, self.name))
        finally:
            for temporary, _, _ in self._files.values():
                # fsspec's `exists` swallows everything, also a KeyboardInterrupt.
                with suppress(FileNotFoundError):
                    self.store.files.rm_file(temporary)

    def _flush(self, table: str) -> None:
        waiting, self._waiting[table] = self._waiting[table], []
        if table == "days" and self._days:
            self._summed += summed(self._days)
            keyed = [(self._runs[row], days) for row, days in self._days]
            waiting.append(table_of_days(self.schemas["days"], keyed))
            self._days, self._rows_of_days = [], 0
        if table == "runs":
            waiting.append(table_of_runs(self.schemas["runs"], self._runs, self._summed))
        if waiting:
            self._files[table][2].write_table(pa.concat_tables(waiting))


def unwritable(folder: str, error: OSError) -> InputError:
    """The refusal of a folder that cannot be written to."""
    return InputError(f"{folder}: cannot be written ({error.strerror or error})")
