"""What goes wrong with weights."""


class WeightsError(Exception):
    """The weights cannot be made ready; the message says what to do."""
