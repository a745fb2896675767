"""Work that shares nothing: in this process, in several by loky, or on a Dask cluster."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from ..errors import Lost

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

TIMEOUT = 10
"""Seconds in which a scheduler has to answer."""


def spread_out(
    work: Callable[[_Item], _Result],
    items: Mapping[str, _Item],
    jobs: int = 1,
    cluster: str | None = None,
) -> Iterator[tuple[str, _Result]]:
    """Do the same work on each item.

    Args:
        work: What is done. In another process it must be a function of a module.
        items: What it is done on, by name.
        jobs: Items at a time, one or more. Several have a process each and share the cores.
        cluster: Address of a Dask scheduler, whose workers do the work in place of processes here.
            It gives the work of a worker that is lost to another one.

    Yields:
        Name and result of each item as it ends, each once.

    Raises:
        ValueError: There is no Dask, no scheduler or no worker; or a worker has several threads.
        Lost: A process was killed.
    """
    if cluster is None and jobs == 1:
        yield from ((name, work(item)) for name, item in items.items())
        return
    from joblib import Parallel, delayed

    with _workers(jobs, cluster) as (count, threads):
        # one item at a time, all of them at once: runs take minutes, and workers may join late
        parallel = Parallel(
            count, return_as="generator_unordered", batch_size=1, pre_dispatch="all"
        )
        try:
            yield from parallel(
                delayed(_named)(work, name, item, threads) for name, item in items.items()
            )
        except BrokenExecutor:
            raise Lost("a process was killed, perhaps for want of memory") from None


def _named(
    work: Callable[[_Item], _Result], name: str, item: _Item, threads: int | None
) -> tuple[str, _Result]:
    if threads is not None:
        torch.set_num_threads(threads)
    return name, work(item)


@contextmanager
def _workers(jobs: int, cluster: str | None) -> Iterator[tuple[int, int | None]]:
    """How many workers, and the threads of torch in each; None leaves them to a cluster."""
    from joblib import parallel_config

    if cluster is None:
        with parallel_config(backend="loky"):
            yield jobs, max(1, torch.get_num_threads() // jobs)
        return
    with _client(cluster) as client, parallel_config(backend="dask"):
        _require_workers(client, cluster)
        yield -1, None


def _client(address: str) -> Any:  # noqa: ANN401
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            f"--cluster {address} needs Dask: pip install 'alpha-bridge[cluster]'"
        ) from error
    try:
        return Client(address, timeout=TIMEOUT)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {address}: start one with `dask scheduler`, "
            "or leave out --cluster"
        ) from error


def _require_workers(client: Any, address: str) -> None:  # noqa: ANN401
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise ValueError(
            f"the Dask scheduler at {address} has no workers: start them in this folder, with the "
            f"same packages, by `dask worker {address} --nthreads 1`"
        )
    # a run seeds torch's generator, which all threads of a process share
    several = {name: w["nthreads"] for name, w in workers.items() if w["nthreads"] != 1}
    for name, threads in several.items():
        raise ValueError(
            f"worker {name} has {threads} threads, and a run needs a process of its own: "
            "start workers with --nthreads 1"
        )
