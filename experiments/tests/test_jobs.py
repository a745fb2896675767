"""Work that is spread: by processes here, or by the workers of a Dask scheduler."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments.framework import Outcome, Plan, Study
from experiments.framework.trials import stacked

CONFIG = changed(
    PRESETS["gaussians25"],
    {"steps": 20, "trials": 2, "evaluation.samples": 100, "model.hidden": [8]},
)


@pytest.mark.slow
def test_several_jobs_give_the_numbers_of_one(tmp_path):
    configs = [changed(CONFIG, {"seed": seed}) for seed in (0, 5)]
    plans = [stacked({"seed": config.seed}, config, [20]) for config in configs]
    lines = []
    alone = Study("some", tmp_path / "alone").train(plans)
    together = Study("some", tmp_path / "together", lines.append, jobs=2).train(plans)
    for one, other in zip(alone, together, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert sorted(line.split("  ")[1] for line in lines) == ["0", "5"]
    assert [line[:3] for line in lines] == ["1/2", "2/2"]


def started(number, folder):
    """A run that leaves a file each time it starts, and takes a while."""
    name = f"{number}-{os.getpid()}-{time.monotonic_ns()}"
    open(os.path.join(folder, name), "w").close()  # noqa: PTH118, PTH123
    time.sleep(0.5)
    return Outcome({"number": number, "process": os.getpid()})


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler with two workers, each a process."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120
    options = {"cwd": root, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options["env"] = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--scheduler-file",
        str(file),
    ]
    quiet = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    processes = [subprocess.Popen([*command, *quiet], **options)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)]
    alone = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    try:
        from distributed import Client

        processes += [subprocess.Popen([*worker, *alone], **options) for _ in range(2)]
        wait_for(file.exists)
        with Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(cluster, tmp_path):
    starts = tmp_path / "starts"
    starts.mkdir()
    plans = [
        Plan({"run": number}, started, {"number": number, "folder": str(starts)})
        for number in range(8)
    ]
    ended = []

    def kill_one(line):
        ended.append(line)
        if len(ended) == 2:  # the other worker, or the same one: it is training the next run
            os.kill(int(sorted(starts.iterdir())[-1].name.split("-")[1]), signal.SIGKILL)

    study = Study("some", tmp_path / "out", kill_one, cluster=cluster)
    runs = study.train(plans)
    assert [run["number"] for run in runs] == [*range(8)]
    assert len(ended) == len(study.ledger.path.read_text(encoding="utf-8").splitlines()) == 8
    processes = {run["process"] for run in runs}
    assert os.getpid() not in processes
    times = Counter(int(path.name.split("-")[0]) for path in starts.iterdir())
    assert sum(times.values()) > len(plans)  # the run of the worker that was killed started again
