"""Live: what is made of the settings in force, and follows them."""

from collections.abc import Callable
from typing import Generic, TypeVar

from candor.config.limits import LIMITS
from candor.config.reading import Reading
from candor.limits import Rates

T = TypeVar("T")


class Live(Generic[T]):
    """Something made of the settings in force, and made anew when they change. Raises nothing."""

    def __init__(self, known: Callable[[], Reading], make: Callable[[Reading], T]) -> None:
        """`known`: `Configuration.known`."""
        self._known = known
        self._make = make
        self._made: tuple[int, T] | None = None

    def __call__(self) -> T:
        reading = self._known()
        made = self._made
        if made is None or made[0] != reading.version:
            made = self._made = (reading.version, self._make(reading))
        return made[1]


def rates_of(reading: Reading) -> Rates:
    """How often somebody may ask."""
    limits = reading.shown(LIMITS.name)
    return Rates(
        requests=limits["rate_limit_requests"],
        window_seconds=limits["rate_limit_window_seconds"],
        customer_requests=limits["rate_limit_customer_requests"],
    )
