"""What an instance left running when its supervisor was killed: found exactly, and ended."""

import os

import psutil

from cluster.local.directory import VarDirectory
from cluster.local.processes import end, marked, same_process, tree, working_in
from cluster.local.state import read_state


def find(var: VarDirectory) -> list[psutil.Process]:
    """Every process of this instance, apart from the one that asks.

    Three ways, because none finds all: the mark in the environment, the numbers and start times in the state
    file (with their descendants), and PostgreSQL's, which work in our data folder.
    """
    found = set(marked(var.instance()))
    snapshot = read_state(var.state_file)
    if snapshot is not None:
        known = [(entry.pid, entry.pid_created) for entry in snapshot.services]
        for pid, created in [(snapshot.supervisor_pid, snapshot.supervisor_created), *known]:
            if pid is None or created is None or pid == os.getpid():
                continue
            if process := same_process(pid, created):
                found.update(tree(process))
    found.update(working_in(var.postgres))
    return [process for process in found if process.pid != os.getpid()]


def end_all(var: VarDirectory, grace: float = 5.0) -> int:
    """End them; returns how many there were."""
    found = find(var)
    end(found, grace)
    # What they started while they were ending.
    end(find(var), 0.0)
    return len(found)
