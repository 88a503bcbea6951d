"""Chance that repeats: what happens to a request is a hash of what it asks and of how often it was asked."""

from hashlib import blake2b
from typing import Literal

from tests.provider.behaviour import FAULTS, Behaviour, Fault


def drawn(behaviour: Behaviour, digest: str, times: int) -> Fault | Literal[""]:
    """The fault that a body meets after it was asked so many times, empty for none."""
    point = _chance("fault", behaviour.seed, digest, times)
    for fault in FAULTS:
        point -= behaviour.share(fault)
        if point < 0:
            return fault
    return ""


def latency_seconds(behaviour: Behaviour, digest: str, times: int, in_flight: int) -> float:
    """How long the answer takes."""
    seconds = behaviour.latency_seconds + behaviour.latency_per_in_flight_seconds * in_flight
    if behaviour.latency_spread:
        seconds *= 1 + behaviour.latency_spread * (2 * _chance("latency", behaviour.seed, digest, times) - 1)
    return seconds


def _chance(*parts: object) -> float:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest()) / 2**64
