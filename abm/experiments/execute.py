"""From an experiment to a folder of results."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from abm.experiments.engine import cores, outcomes
from abm.experiments.plan import Plan
from abm.experiments.progress import Progress
from abm.experiments.runs import Common, Job
from abm.experiments.store import Store
from scenarios.errors import InputError
from scenarios.experiment import Experiment

PACKAGES = ("collateral-abm", "mesa", "numpy", "pandas", "numba", "scipy", "networkx", "pyarrow")
"""Packages that results depend on; their versions go into the manifest."""


class Finished(NamedTuple):
    """How an experiment went."""

    folder: str
    runs: int
    failed: int
    seconds: float


def run_experiment(
    experiment: Experiment,
    folder: str | Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> Finished:
    """Run all designs of an experiment and write their results.

    The tables, sorted by their keys, do not depend on `workers`, `scheduler` or interruptions.
    A script that calls this with more than one worker guards its start with
    `if __name__ == "__main__":`, since workers import it.

    Args:
        experiment: what to run.
        folder: where results go: a folder, or an fsspec URL. It must not have any yet.
        workers: processes to start; 0 to run everything in this one; a process a core if None.
        scheduler: address of a running Dask scheduler to use instead of own processes.
        resume: go on with an interrupted experiment in that folder.
        overwrite: replace the results in that folder, once this experiment is seen to be right.
        quiet: show no progress.

    Raises:
        InputError: the experiment or the folder cannot be used; nothing has been run then. Or the
            folder could no longer be written to.
        KeyboardInterrupt: interrupted; `resume` goes on.
    """
    if not isinstance(experiment, Experiment):
        raise InputError(
            "experiment: expected an Experiment, as Experiment.load(name) or"
            f" Experiment.single(scenario) give one (it is a {type(experiment).__name__})"
        )
    plan = Plan.of(experiment)
    store = Store(str(folder))
    earlier = _earlier(store, plan, resume, overwrite)
    plan.check()
    store.prepare()
    if overwrite:
        store.discard()
    store.clean()
    finished = store.finished()
    done, failed = len(finished), int((finished["status"] == "failed").sum())
    manifest = _manifest(plan) | ({"started": earlier["started"]} if earlier else {})
    before = set(finished["scenario_id"] * experiment.replications + finished["replication_id"])
    todo = (run for run in range(plan.runs) if run not in before)
    jobs = (Job.of(plan, runs) for runs in plan.parts(todo))
    out = open(os.devnull, "w") if quiet else None  # noqa: SIM115, PTH123
    status = "interrupted"
    progress = Progress(plan.runs, done, failed, out=out)
    try:
        store.write_manifest(manifest)
        with progress:
            if done < plan.runs:
                left = plan.runs - done
                if workers != 0 and scheduler is None and left > 1:
                    _load()
                common = Common.of(plan, store.root if store.is_local else store.folder)
                for outcome in outcomes(common, jobs, left, workers, scheduler):
                    progress.add(outcome)
        status = "finished"
    finally:
        store.write_manifest(
            manifest | {"status": status, "failed": progress.failed, "ended": _now()}
        )
        store.close()
    return Finished(store.folder, plan.runs, progress.failed, progress.seconds)


def _earlier(
    store: Store, plan: Plan, resume: bool, overwrite: bool = False
) -> dict[str, Any] | None:
    """The manifest of what is to be resumed, if anything is.

    Raises:
        InputError: the folder is in use, or has something else in it.
    """
    if resume and overwrite:
        raise InputError("--resume goes on with results, --overwrite replaces them; give one")
    manifest = store.read_manifest()
    if manifest is None:
        if not store.is_empty():
            raise InputError(f"{store.folder}: has files in it, but no results to go on with")
        return None
    if is_running(manifest):
        number = manifest["process"]["pid"]
        raise InputError(f"{store.folder}: process {number} is writing results there now")
    if overwrite:
        return None
    if not resume:
        raise InputError(
            f"{store.folder}: has results of {manifest.get('name')} ({manifest.get('status')});"
            " choose another folder, go on with --resume, or replace them with --overwrite"
        )
    if manifest.get("fingerprint") != plan.fingerprint:
        raise InputError(
            f"{store.folder}: has results of another experiment ({manifest.get('name')}), or its"
            " scenario, designs, replications, seed or tables were different; choose another folder"
        )
    ours, theirs = _versions()["collateral-abm"], manifest["versions"].get("collateral-abm")
    if ours != theirs:
        raise InputError(
            f"{store.folder}: was begun by version {theirs}, this is {ours}; choose another folder"
        )
    return manifest


def is_running(manifest: dict[str, Any]) -> bool:
    """Whether the process that writes the results of a manifest is alive, on this machine."""
    import psutil

    process = manifest.get("process", {})
    if manifest.get("status") != "running" or process.get("host") != platform.node():
        return False
    try:
        created = psutil.Process(process["pid"]).create_time()
    except (psutil.Error, KeyError):
        return False
    return process["pid"] != os.getpid() and created == process.get("created")


def _manifest(plan: Plan) -> dict[str, Any]:
    import psutil

    experiment = plan.experiment
    return {
        "status": "running",
        "name": experiment.name,
        "title": experiment.title,
        "experiment": experiment.table,
        "scenario": experiment.scenario.model_dump(mode="json", exclude_unset=True),
        "currency": experiment.scenario.money.currency,
        **_factors(plan),
        "designs": [design._asdict() for design in plan.designs],
        "replications": experiment.replications,
        "networks": experiment.networks,
        "paths": experiment.paths,
        "seed": experiment.seed,
        "tables": list(plan.tables),
        "runs": plan.runs,
        "failed": 0,
        "fingerprint": plan.fingerprint,
        "versions": _versions(),
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": cores(),
        },
        "process": {
            "host": platform.node(),
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
        },
        "started": _now(),
        "ended": None,
    }


def _factors(plan: Plan) -> dict[str, Any]:
    """What varies: the levels of each factor, and how those that were sampled were."""
    experiment = plan.experiment
    return {
        "factors": {
            name: list(dict.fromkeys(_hashable(design.factors[name]) for design in plan.designs))
            for name in plan.factor_names
        },
        "sampling": {
            "method": experiment.sampling,
            "samples": experiment.samples,
            "factors": list(experiment.factors.sampled),
        },
    }


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _load() -> None:
    """Load the passes over the loan book, and compile them where they are not: workers inherit it.

    Else every worker would do so at the same time.
    """
    from abm.model import CollateralMarket

    CollateralMarket("prices-gbm", rng=1).run().release()
