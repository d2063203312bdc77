"""The settings of the instance that is up, for commands that work on its data."""

import os

from cluster.local import daemon
from cluster.local.directory import var_directory
from cluster.local.errors import ClusterError
from cluster.local.plan import load_plan
from cluster.local.stack import command_line_environment
from core.settings import Settings


def instance_settings() -> Settings:
    """Those of this instance when it is up; else those of the environment, for the external mode.

    Raises ClusterError.
    """
    var = var_directory()
    plan = load_plan(var.plan_file)
    if daemon.running(var) is not None and plan is not None:
        os.environ.update(command_line_environment(plan, var))
    elif "DATABASE_URL" not in os.environ:
        raise ClusterError("Headrace is not up; start it with ./headrace up, or set DATABASE_URL.")
    return Settings()
