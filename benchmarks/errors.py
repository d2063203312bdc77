"""What the benchmark tells a person instead of a traceback."""


class BenchmarkFailed(Exception):
    """A sentence that says why nothing could be measured. The program ends with status 1."""
