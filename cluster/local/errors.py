"""What the command line tells a person instead of a traceback."""


class ClusterError(Exception):
    """A sentence that says what is wrong and what to do. The command ends with status 1."""


class NotReady(Exception):
    """A probe's answer while a service is not usable yet; the message says what is missing."""
