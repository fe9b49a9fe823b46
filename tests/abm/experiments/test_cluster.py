"""The same bytes from any number of processes, whichever of them dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sweeps import stored, sweep, table_of, toml
from troubled_borrowers import ONCE

from abm.experiments import engine
from abm.experiments.execute import run_experiment
from abm.experiments.plan import Plan
from abm.experiments.runs import Common, Job, run_job
from scenarios.errors import InputError
from scenarios.experiment import Experiment

TESTS = Path(__file__).parents[2]
TABLES = {"tables": ["events", "participants", "loans"], "replications": 5}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables as they are without any cluster."""
    folder = tmp_path_factory.mktemp("alone") / "out"
    run_experiment(sweep(settings=TABLES), folder, workers=0, quiet=True)
    return stored(folder)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and a worker, each started by itself and in another folder."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    environment = {**os.environ, "PYTHONPATH": paths}
    quiet: dict[str, Any] = {
        "cwd": folder, "env": environment, "stderr": subprocess.DEVNULL
    }  # fmt: skip
    arguments = ["--scheduler-file", str(file), "--no-dashboard"]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    processes = [subprocess.Popen([*command, "--port", "0", *arguments], **quiet)]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1"]
    processes.append(subprocess.Popen([*command, *arguments], **quiet))
    while not file.exists():
        time.sleep(0.05)
    yield json.loads(file.read_text())["address"]
    for process in reversed(processes):
        process.terminate()
        process.wait()


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers(workers: int, alone: dict[str, bytes], tmp_path: Path) -> None:
    finished = run_experiment(sweep(settings=TABLES), tmp_path / "out", workers=workers, quiet=True)
    assert finished.failed == 0
    assert stored(tmp_path / "out") == alone


def test_a_scheduler_that_runs_elsewhere(
    scheduler: str, alone: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_experiment(sweep(settings=TABLES), "out", scheduler=scheduler, quiet=True)
    assert stored(tmp_path / "out") == alone


def test_no_scheduler_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abm.experiments.cluster._TIMEOUT", "1s")
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(InputError, match=f"--scheduler {address}: no scheduler"):
            run_experiment(sweep(), tmp_path / "out", scheduler=address, quiet=True, resume=True)


def test_a_worker_that_is_killed_is_replaced_and_its_runs_repeated(
    alone: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ONCE, str(tmp_path / "killed"))
    behaviour = {"participants": {"lenders": 2, "borrowers": 3, "behaviour": {
        "borrower": "troubled_borrowers:DeadlyOnce"}}}  # fmt: skip
    experiment = sweep(scenario=behaviour, settings=TABLES)
    assert run_experiment(experiment, tmp_path / "out", workers=2, quiet=True).failed == 0
    assert (tmp_path / "killed").exists()
    assert stored(tmp_path / "out") == alone


def test_a_run_that_always_kills_its_worker_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_DEATHS", 0)
    names = ["abm.agents:Borrower", "troubled_borrowers:Deadly"]
    factors = {"participants.behaviour.borrower": names}
    experiment = sweep(settings={"replications": 1}, factors=factors)
    finished = run_experiment(experiment, tmp_path / "out", workers=2, quiet=True)
    assert finished.failed == 1
    table = pd.read_parquet(tmp_path / "out" / "runs").sort_values("scenario_id")
    assert table["status"].tolist() == ["ok", "failed"]
    assert table["error"].iloc[1].startswith("its worker died")


def test_of_a_part_that_kills_its_workers_only_the_guilty_run_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts together with a guilty one are blamed, too, until they are tried alone."""
    plan = Plan.of(sweep(settings={"replications": 130}, factors={}))
    jobs = [Job.of(plan, runs) for runs in ([0, 1, 2], [3, 4, 5], [6, 7, 8])]

    common = Common.of(plan, str(tmp_path))

    class Workers:
        def together(self, jobs: Iterator[Job]) -> Iterator[Any]:
            batch = list(jobs)
            died = any(4 in job.runs for job in batch)
            for job in batch:
                yield job, None if died and job.runs[0] else run_job(common, job)

    monkeypatch.setattr(engine, "_hired", lambda *_: nullcontext(Workers()))
    outcomes = list(engine.outcomes(common, iter(jobs), 9, 2, None))
    assert sum(outcome.done for outcome in outcomes) == 9
    table = pd.read_parquet(tmp_path / "runs").sort_values("replication_id")
    assert table["replication_id"].tolist() == list(range(9))
    assert table.loc[table["status"] == "failed", "replication_id"].tolist() == [4]


class TestClient:
    """The command itself, killed or interrupted in the middle."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        behaviour = {"borrower": "troubled_borrowers:Slow"}
        participants = {"lenders": 2, "borrowers": 3, "behaviour": behaviour}
        table = table_of({"participants": participants}, TABLES)
        path = tmp_path / "sweep.toml"
        path.write_text(toml(table))
        return path

    def started(self, file: Path, out: Path) -> subprocess.Popen[str]:
        command = "from abm.commands.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", command, "run", str(file), "--out", str(out), "--workers", "1"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @pytest.mark.parametrize("started_workers", [False, True])
    def test_impatience_changes_nothing(
        self, file: Path, tmp_path: Path, started_workers: bool
    ) -> None:
        """Ctrl-C, many times, also while workers are starting: one line."""
        out = tmp_path / "out"
        process = self.started(file, out)
        sign = "runs/*.parquet" if started_workers else "manifest.json"
        while not list(out.glob(sign)):
            assert process.poll() is None
            time.sleep(0.02)
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130, said
        *others, last = [line for line in said.splitlines() if not line.startswith("compil")]
        assert others == ["10 runs to do"] or (others == [] and not started_workers)
        assert last.startswith("collateral: interrupted: ")
        assert json.loads((out / "manifest.json").read_text())["status"] == "interrupted", said

    @pytest.mark.parametrize(
        ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)]
    )
    def test_the_rest_is_done_later_and_the_bytes_are_the_same(
        self, number: int, code: int, file: Path, alone: dict[str, bytes], tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        process = self.started(file, out)
        while not list(out.glob("runs/*.parquet")):
            assert process.poll() is None
            time.sleep(0.02)
        if number == signal.SIGINT:
            # As a terminal does it: to the workers, too.
            os.killpg(process.pid, number)
        else:
            process.kill()
        _, said = process.communicate(timeout=30)
        assert process.returncode == code
        if number == signal.SIGINT:
            number_stored = len(pd.read_parquet(out / "runs"))
            assert said.splitlines()[-1] == (
                f"collateral: interrupted: {number_stored} of 10 runs are stored;"
                " the same command with --resume goes on"
            )
            assert "Traceback" not in said
        assert 0 < len(pd.read_parquet(out / "runs")) < 10
        run_experiment(Experiment.load(file), out, workers=0, resume=True, quiet=True)
        assert stored(out) == alone
