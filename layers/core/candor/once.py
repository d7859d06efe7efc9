"""Once: the same request under the same key is executed once, and answered alike every time."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from candor.errors import Conflict, Unavailable

KEPT_SECONDS = 24 * 3600

LEASE_SECONDS = 60
"""
After so long a run is taken for dead: no function behind the API lives longer than 30 seconds, but one that
streams. Its messages are known by the key as well: a second run only waits for the first one's answer.
"""

WAIT_SECONDS = 5.0

MAX_KEPT_BYTES = 350_000
"""A DynamoDB item has 400 KB."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is known about a key: a run still going on (no `answer`), or how it ended."""

    run: str
    fingerprint: str
    lease_until: float
    answer: bytes | None
    """Sealed; empty when it was too large to keep."""

    @property
    def ended(self) -> bool:
        return self.answer is not None


class Ledger(Protocol):
    """Where runs are kept. Methods raise `Unavailable`."""

    def begin(self, key: str, kept: Kept, *, now: float) -> Kept | None:
        """Keep this run unless there is one already: that one is returned. A dead run is taken over."""
        ...

    def end(self, key: str, kept: Kept, *, now: float) -> None:
        """Keep how this run ended, if it is still the one that is kept."""
        ...

    def abandon(self, key: str, run: str) -> None:
        """Forget this run, if it is still the one that is kept: the next request may try again."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """
    Executes a request under an idempotency key.

    Nothing readable is kept: what comes back is sealed with a key that follows from the client's own
    idempotency key (and the server's secret), while the table holds only a hash of it. So a token
    that is shown once, or a customer's words, cannot be read out of the table.
    """

    ledger: Ledger
    secret: bytes = b""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __call__(
        self, key: str, scope: str, fingerprint: str, run: Callable[[], tuple[bytes, bool]]
    ) -> tuple[bytes, bool]:
        """
        The answer, and whether it is an old one. `scope` is who asks for what.

        `run` returns its answer and whether it is one to keep. `Conflict` when the key was used for
        another fingerprint, when the first run needs too long, or when its answer was too large.
        """
        place = "once#" + hashlib.sha256(f"{scope}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()
        mine = Kept(
            run=secrets.token_hex(8),
            fingerprint=fingerprint,
            lease_until=self.clock() + LEASE_SECONDS,
            answer=None,
        )
        deadline = self.clock() + WAIT_SECONDS
        while (other := self.ledger.begin(place, mine, now=self.clock())) is not None:
            if other.fingerprint != fingerprint:
                raise Conflict("This Idempotency-Key was used for another request.")
            if other.answer is not None:
                return self._opened(place, key, other.answer), True
            if self.clock() >= deadline:
                raise Conflict("The same request is still running. Ask again for its answer.", retry_after=2)
            self.sleep(0.1)
        try:
            answer, keep = run()
        except BaseException:
            self._settle(lambda: self.ledger.abandon(place, mine.run))
            raise
        if not keep:
            self._settle(lambda: self.ledger.abandon(place, mine.run))
            return answer, False
        sealed = self._seal(place, key, answer) if len(answer) <= MAX_KEPT_BYTES else b""
        ended = Kept(run=mine.run, fingerprint=fingerprint, lease_until=0.0, answer=sealed)
        self._settle(lambda: self.ledger.end(place, ended, now=self.clock()))
        return answer, False

    @staticmethod
    def _settle(write: Callable[[], None]) -> None:
        try:
            write()
        except Unavailable:
            # It has been executed: the one who asked gets the answer, and the lease guards the key meanwhile.
            _log.warning("run not settled")

    def _opened(self, place: str, key: str, sealed: bytes) -> bytes:
        if not sealed:
            raise Conflict("This request was executed; its answer was too large to be kept.")
        nonce, masked = sealed[:16], sealed[16:]
        return _masked(masked, self._stream(place, key, nonce, len(masked)))

    def _seal(self, place: str, key: str, answer: bytes) -> bytes:
        nonce = secrets.token_bytes(16)
        return nonce + _masked(answer, self._stream(place, key, nonce, len(answer)))

    def _stream(self, place: str, key: str, nonce: bytes, length: int) -> bytes:
        """SHAKE-256 as a keyed stream (a sponge needs no HMAC, FIPS 202); a nonce is never used twice."""
        parts = (self.secret, place.encode(), key.encode("utf-8", "surrogatepass"), nonce)
        seed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hashlib.shake_256(seed).digest(length)


def _masked(data: bytes, stream: bytes) -> bytes:
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(len(data), "big")
