"""Everything that Stillhouse raises on purpose.

    StillhouseError
    ├── ProjectError      (ValueError)    the project's YAML, or a file that it names, is wrong
    ├── NotRecorded       (LookupError)   a request has no recorded answer
    ├── ModelUnavailable  (RuntimeError)  a model cannot be loaded or reached
    ├── BudgetSpent       (RuntimeError)  the next request could cost more than is left
    ├── StageFailed       (RuntimeError)  a stage has nothing left to work on, or too much went wrong
    ├── Waiting           (RuntimeError)  what a service does in its own time is not done yet
    ├── RunCancelled      (RuntimeError)  a person cancelled the run
    ├── OperationFailed   (RuntimeError)  a server, a worker or a deployment is not there, or does not start
    ├── StoreError        (OSError)       the store cannot be written, or lacks what it should hold
    └── ExtraMissing      (ImportError)   an optional package is not installed

Each message says what happened, with the value, and what to do next.
"""


class StillhouseError(Exception):
    """The root: catch this to catch everything that Stillhouse raises on purpose."""


class ProjectError(StillhouseError, ValueError):
    """The project's YAML, or a file that it names, is wrong."""


class NotRecorded(StillhouseError, LookupError):
    """A request has no recorded answer."""


class ModelUnavailable(StillhouseError, RuntimeError):
    """A model cannot be loaded or reached."""


class BudgetSpent(StillhouseError, RuntimeError):
    """The next request could cost more than is left of what may be spent."""


class StageFailed(StillhouseError, RuntimeError):
    """A stage has nothing left to work on, or too much of its work went wrong."""


class Waiting(StillhouseError, RuntimeError):
    """What a service does in its own time is not done yet: the stage is to be run again after so many `seconds`."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__(words)
        self.seconds = seconds


class RunCancelled(StillhouseError, RuntimeError):
    """A person cancelled the run."""


class OperationFailed(StillhouseError, RuntimeError):
    """A server, a worker or a deployment is not there, or does not start."""


class StoreError(StillhouseError, OSError):
    """The store cannot be written, or lacks what it should hold."""


class ExtraMissing(StillhouseError, ImportError):
    """An optional package is not installed."""
