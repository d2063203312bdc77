"""What every kind of replica shares with Serve."""

from ray import serve as ray_serve


def replica_name() -> str:
    """The name of the replica that this process is, as answers carry it in `x-headrace-replica`."""
    context = ray_serve.get_replica_context()
    return f"{context.app_name}#{context.replica_tag}"
