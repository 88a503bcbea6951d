"""What the two batch APIs have in common: requests go out in a file, a batch is looked at, results come as lines."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, Any, ClassVar, NamedTuple

from tasks.models.batches.records import Batch
from tasks.models.live.failures import Failure, Kind, status_failure
from tasks.models.live.limits import Limits
from tasks.models.live.service import Service
from tasks.models.request import Answer, Request

CLOCKS_DIFFER_SECONDS = 300.0
_RETRIES = 3


class Look(NamedTuple):
    """How a batch stands: the service's word for it, whether it is over, and how many requests are done and answered.

    `results` are where they are read. A batch that was refused as a whole says why in `problem`.
    """

    state: str
    over: bool
    done: int
    answered: int
    results: tuple[str, ...] = ()
    ended: Kind | None = None
    problem: Failure | None = None


class Result(NamedTuple):
    """What became of the request of this key."""

    key: str
    outcome: Answer | Failure


class Found(NamedTuple):
    """The batch that a process left without recording it; `unsure` where it may be one that is not over yet."""

    remote: str | None
    unsure: bool = False


class Unserved(Exception):
    """The service did not do what it was asked for. Never leaves this folder."""

    def __init__(self, failure: Failure, status: int = 0) -> None:
        super().__init__(failure.words)
        self.failure, self.status = failure, status


class Remote:
    """A service's API for batches, through its SDK."""

    most_rows: ClassVar[int]
    most_bytes: ClassVar[int]
    head: ClassVar[bytes] = b""
    between: ClassVar[bytes] = b"\n"
    tail: ClassVar[bytes] = b"\n"

    def __init__(self, service: Service) -> None:
        self.service = service

    @cached_property
    def client(self) -> Any:
        """A synchronous client; what may be sent twice is tried again by it."""
        return self.connect(self.service.access() | {"max_retries": _RETRIES})

    def close(self) -> None:
        """Let go of the client, where one was made."""
        if "client" in vars(self):
            self.client.close()

    def connect(self, access: dict[str, Any]) -> Any:
        """A client of the SDK."""
        raise NotImplementedError

    def request(self, key: str, request: Request) -> dict[str, Any]:
        """A request as it stands in the file, under its key."""
        raise NotImplementedError

    def create(self, file: IO[bytes], batch: Batch, creating: Callable[[], None]) -> str:
        """Submit a batch; its id there. `creating` is called right before the one call that makes it."""
        raise NotImplementedError

    def find(self, batch: Batch, held: Callable[[str], bool]) -> Found:
        """The batch there that is this one; `held` tells whether a key is one of its requests."""
        raise NotImplementedError

    def look(self, remote: str) -> Look:
        """How a batch stands. Raises `Unserved` with status 404 where the service knows none."""
        raise NotImplementedError

    def stream(self, result: str) -> Any:
        """The response that holds results, as a context manager."""
        raise NotImplementedError

    def read(self, said: Any) -> Result:
        """What a line of the results says."""
        raise NotImplementedError

    def cancel(self, remote: str) -> None:
        """Ask for a batch to be stopped."""
        raise NotImplementedError

    def lines(self, look: Look) -> Iterator[bytes]:
        """The lines of the results that are whole."""
        for result in look.results:
            with self.speaking(), self.stream(result) as response:
                yield from _whole_lines(response.iter_bytes())

    def failed(self, status: int, said: Any) -> Failure:
        """What an error in the results means."""
        error = said.get("error", said) if isinstance(said, dict) else said
        words = str(error.get("message") or error) if isinstance(error, dict) else str(error)
        return self.service.discreet(status_failure(status, said, words, Limits()))

    @contextmanager
    def speaking(self) -> Generator[None]:
        """Within, what the SDK raises is raised as `Unserved`."""
        import httpx2

        sdk = self.service.sdk()
        try:
            yield
        except sdk.APIStatusError as error:
            failure = status_failure(error.status_code, error.body, error.message, Limits())
            raise Unserved(self.service.discreet(failure), error.status_code) from error
        except (sdk.APIConnectionError, httpx2.HTTPError) as error:
            words = f"{type(error).__name__}: {error.__cause__ or error}"
            raise Unserved(self.service.discreet(Failure(Kind.DISCONNECTED, words))) from error


def _whole_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Lines that end in a line feed and nothing else: what looks like one inside a text does not end it."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from filter(None, whole)
    if rest:
        yield rest  # it may be whole: who reads it will see
