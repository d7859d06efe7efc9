"""In-memory vault and drawers: secrets that end with the process, for tests and for small demos."""

import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from candor.errors import Malformed, TooLarge, Unavailable
from candor.vault import MAX_BYTES, Drawer


class MemoryVault:
    """`Vault` that keeps the secret itself, and gives out a number for it."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self._secrets: dict[str, tuple[dict[str, str], bytes]] = {}

    def seal(self, secret: bytes, context: Mapping[str, str]) -> str:
        self._check()
        if len(secret) > MAX_BYTES:
            raise TooLarge(f"A secret may be {MAX_BYTES:,} bytes long and no longer.")
        sealed = f"memory.{uuid.uuid4().hex}"
        self._secrets[sealed] = (dict(context), secret)
        return sealed

    def open(self, sealed: str, context: Mapping[str, str]) -> bytes:
        self._check()
        kept = self._secrets.get(sealed)
        if kept is None or kept[0] != dict(context):
            raise Malformed("A secret that is kept here cannot be opened. Save it again.")
        return kept[1]

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The in-memory vault has been taken down.")


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryDrawers:
    """`Drawers` in a dictionary."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._drawers: dict[str, tuple[Drawer, datetime | None]] = {}

    def get(self, name: str) -> Drawer | None:
        with self._lock:
            drawer, expires_at = self._drawers.get(name, (None, None))
        return None if expires_at is not None and expires_at <= self._clock() else drawer

    def put(self, name: str, drawer: Drawer, *, expires_at: datetime | None = None) -> None:
        with self._lock:
            self._drawers[name] = (drawer, expires_at)

    def delete(self, name: str) -> None:
        with self._lock:
            self._drawers.pop(name, None)
