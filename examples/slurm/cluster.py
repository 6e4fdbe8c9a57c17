"""Start a Dask scheduler here and its workers as Slurm jobs, one process and one GPU each, while there is work.

Prints the scheduler's address and runs until it is ended. Needs dask-jobqueue beside srnet, and sbatch on the path.
"""

import argparse
import signal
import sys
from collections.abc import Sequence

import dask
from dask_jobqueue import SLURMCluster

DASK = {
    "distributed.scheduler.allowed-failures": 20,  # a preempted job is no reason to give an experiment up
    "distributed.scheduler.default-task-durations": {"experiment": "10m"},  # else Dask asks for few workers at first
}
DASHBOARD = "127.0.0.1:0"  # any free port, which only the machine itself can reach


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=8, help="at most so many jobs at once")
    parser.add_argument("--partition", help="Slurm partition")
    parser.add_argument("--account", help="Slurm account")
    parser.add_argument("--time", default="24:00:00", help="time limit of a job")
    parser.add_argument("--memory", default="16GiB", help="memory of a job")
    parser.add_argument("--interface", help="network interface of the cluster's private network, such as ib0")
    return parser.parse_args(given)


def cluster(options: argparse.Namespace) -> SLURMCluster:
    """Start a scheduler; its workers, when asked for, are jobs of one process, one thread and one GPU."""
    return SLURMCluster(
        cores=1,
        processes=1,
        memory=options.memory,
        queue=options.partition,
        account=options.account,
        walltime=options.time,
        interface=options.interface,
        job_name="srnet-worker",
        job_extra_directives=["--gpus=1"],
        worker_extra_args=["--resources", "GPU=1", "--dashboard-address", DASHBOARD],
        scheduler_options={"dashboard_address": DASHBOARD},
    )


def main() -> None:
    """Keep as many workers as there is work for, until ended."""
    options = arguments()
    with dask.config.set(DASK), cluster(options) as workers:
        workers.adapt(minimum_jobs=1, maximum_jobs=options.jobs, wait_count=60)  # idle for a minute: the job ends
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: sys.exit())  # which ends the jobs too
        print(workers.scheduler_address, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
