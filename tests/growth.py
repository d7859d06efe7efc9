"""Growth: how a computation's cost grows with its input, told without naming a number of seconds."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMES = 8
"""How much longer the long input is: of linear work eight times as much, of quadratic sixty-four."""
TOO_MUCH = 24.0
ENOUGH_SECONDS = 0.005
"""A short input that takes less is doubled until it takes this: below it the clock's own noise decides."""
LONGEST = 1_000_000
"""A short input is not doubled beyond this: what takes no time at a megabyte has a limit of its own."""


def spent(action: Callable[[], object]) -> float:
    """
    Processor seconds of this thread: neither other people's work nor a collector that happens to walk over
    the objects of a thousand earlier tests is counted.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        began = time.thread_time()
        action()
        return time.thread_time() - began
    finally:
        if collects:
            gc.enable()


def assert_linear(run: Callable[[T], object], sized: Callable[[int], T], size: int) -> None:
    """
    `run` of an input eight times as long costs about eight times as much, not sixty-four.

    `sized` makes an input of about that length; it is not timed. No two inputs are of the same length, so
    that nothing that is remembered from one answers for another. The cheapest of a few runs counts, and a
    long one that seems to cost too much is run again: a disturbed run only ever costs more.
    """
    run(sized(size // 2))  # What is loaded or compiled on first use is no cost of this input.
    short = min(spent(_bound(run, sized(length))) for length in _about(size))
    while short < ENOUGH_SECONDS and size < LONGEST:
        size *= 2
        short = min(spent(_bound(run, sized(length))) for length in _about(size))
    costs: list[float] = []
    for length in _about(size):
        costs.append(spent(_bound(run, sized(TIMES * length))) / max(short, ENOUGH_SECONDS))
        if costs[-1] < TOO_MUCH:
            return
    raise AssertionError(f"{TIMES} times as much of it ({TIMES * size}) costs {min(costs):.0f} times as much")


def _about(size: int) -> tuple[int, ...]:
    """That length and two a little shorter, by more than a word."""
    return tuple(size - less * (size // 16) for less in range(3))


def _bound(run: Callable[[T], object], given: T) -> Callable[[], object]:
    return lambda: run(given)
