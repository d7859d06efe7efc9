"""Limits: how often somebody may ask, and how often a password may be wrong."""

import hashlib
import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from candor.errors import TooMany

LOGIN_TRIES = 5
LOGIN_WINDOW_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many there were in a window, this one included, and the Unix time at which it ends."""

    used: int
    ends_at: float


class Counters(Protocol):
    """
    Numbers that several processes count up together. Both methods raise `Unavailable`.

    Keys are opaque; whoever makes one leaves out secrets and customers' words.
    """

    def add(self, key: str, *, window: int, now: float) -> Count:
        """
        Count one. The first one starts a window of that many seconds.

        A window starts with its first use, not with the clock's minute: two uses a second apart
        never fall into different windows because a minute turned between them.
        """
        ...

    def recent(self, key: str, *, window: int, now: float) -> tuple[float, ...]:
        """The times marked in the last `window` seconds, oldest first."""
        ...

    def mark(self, key: str, *, window: int, now: float) -> tuple[float, ...]:
        """Mark this time, and return `recent`. Marks older than the window are dropped."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """How many requests in how many seconds."""

    requests: int = 60
    """0 turns the limit off."""
    window_seconds: int = 60
    customer_requests: int = 0
    """For one customer inside the caller's own limit; 0: as many as the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RateLimit:
    """So many requests in so many seconds for each caller, and for each customer behind a caller."""

    counters: Counters
    rates: Callable[[], Rates] = Rates
    """Those in force; asked once for each request. Raises nothing."""
    clock: Callable[[], float] = time.time

    def check(self, caller: str, customer: str | None = None) -> None:
        """Count this request; `TooMany` when it is one too many. Raises `Unavailable`."""
        rates = self.rates()
        if not rates.requests:
            return
        self._count(f"rate#{caller}", rates.requests, rates.window_seconds)
        if customer:
            # Hashed: a customer's name is nothing that should lie in a table of numbers.
            name = hashlib.sha256(customer.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            most = min(rates.customer_requests or rates.requests, rates.requests)
            self._count(f"rate#{caller}#{name}", most, rates.window_seconds)

    def _count(self, key: str, limit: int, window: int) -> None:
        now = self.clock()
        count = self.counters.add(key, window=window, now=now)
        if count.used > limit:
            wait = max(1, round(count.ends_at - now + 0.5))
            raise TooMany(f"Too many requests: {limit} in {window} seconds.", retry_after=wait)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoginTries:
    """
    Five wrong passwords in a minute for one submitted name, whether anybody has it or not.

    A sliding minute. Only failures are marked, so neither a success nor a refused try makes the
    wait longer, and nobody can be locked out for more than a minute at a time.
    """

    counters: Counters
    clock: Callable[[], float] = time.time

    def check(self, name: str) -> None:
        """`TooMany` while the name has used up its tries."""
        now = self.clock()
        self._refuse(self.counters.recent(_login_key(name), window=LOGIN_WINDOW_SECONDS, now=now), now)

    def failed(self, name: str) -> None:
        """Mark a failure; `TooMany` when tries made side by side were more than the limit together."""
        now = self.clock()
        marks = self.counters.mark(_login_key(name), window=LOGIN_WINDOW_SECONDS, now=now)
        if len(marks) > LOGIN_TRIES:
            self._refuse(marks, now)

    def _refuse(self, marks: tuple[float, ...], now: float) -> None:
        if len(marks) >= LOGIN_TRIES:
            wait = max(1, round(marks[-LOGIN_TRIES] + LOGIN_WINDOW_SECONDS - now + 0.5))
            raise TooMany("Too many failed sign-ins for this name. Try again later.", retry_after=wait)


def address_of(ip: str) -> str:
    """What an anonymous caller is counted as: its IPv4 address, or its IPv6 network of 64 bits."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        # One customer line has 2^64 addresses of its own: counting each of them limits nobody.
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _login_key(name: str) -> str:
    folded = name.strip().casefold().encode("utf-8", "surrogatepass")
    return f"login#{hashlib.sha256(folded).hexdigest()[:32]}"
