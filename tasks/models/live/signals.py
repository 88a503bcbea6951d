"""SIGINT and SIGTERM while a service is asked: the first lets what is in flight come home, then takes its effect."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any


class Stopped(BaseException):
    """A signal asked to stop: no error, and nothing that a row's handler may catch."""


class _Heard:
    number: int | None = None


@contextmanager
def heeding_signals(stop: Callable[[BaseException], None]) -> Generator[None]:
    """Within, a first signal calls `stop`, a second has its usual effect; after, the first has it too, if it came."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = _Heard()
    usual: dict[int, Any] = {}

    def hear(number: int, _: Any) -> None:
        heard.number = number
        restore()
        stop(Stopped())

    def restore() -> None:
        for each, handler in usual.items():
            signal.signal(each, handler)

    for each in (signal.SIGINT, signal.SIGTERM):
        usual[each] = signal.signal(each, hear)
    try:
        yield
    finally:
        restore()
        if heard.number is not None:
            signal.raise_signal(heard.number)
