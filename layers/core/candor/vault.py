"""
Vault: secrets of this installation, sealed so that nothing but what they are for can open them.

What is sealed is text that may lie in any table. `Safe` keeps such text in drawers, together with what
everybody may see of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

MAX_BYTES: Final = 64_000
"""Of one secret: more than any set of cookies, and sixteen calls of KMS."""


class Vault(Protocol):
    """Seals secrets and opens them again. Both raise `Unavailable` when the key cannot be reached."""

    def seal(self, secret: bytes, context: Mapping[str, str]) -> str:
        """
        ASCII that tells nothing of the secret; twice the same is sealed differently.

        `context` says what it is for, and is no secret: to open it one has to name the same. `TooLarge`
        beyond `MAX_BYTES`.
        """
        ...

    def open(self, sealed: str, context: Mapping[str, str]) -> bytes:
        """`Malformed` for what was changed, sealed by another key, or sealed for something else."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawer:
    """What lies in a drawer: what may be shown, and what is sealed."""

    shown: Mapping[str, Any]
    sealed: str = field(default="", repr=False)


class Drawers(Protocol):
    """Where small records lie by name. Each method raises `Unavailable`."""

    def get(self, name: str) -> Drawer | None:
        """Read consistently; None as well when its time has passed."""
        ...

    def put(self, name: str, drawer: Drawer, *, expires_at: datetime | None = None) -> None:
        """In place of whatever lay there."""
        ...

    def delete(self, name: str) -> None:
        """Nothing if there is none."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Safe:
    """Drawers with a lock. A secret opens only in the drawer it was put into."""

    vault: Vault
    drawers: Drawers
    clock: Callable[[], datetime] = _now

    def keep(
        self,
        name: str,
        secret: Mapping[str, Any],
        *,
        shown: Mapping[str, Any] | None = None,
        seconds: int | None = None,
    ) -> None:
        """`seconds`: how long; None: until it is replaced. `TooLarge` for more than a vault takes."""
        text = json.dumps(secret, ensure_ascii=False).encode("utf-8", "surrogatepass")
        drawer = Drawer(shown=dict(shown or {}), sealed=self.vault.seal(text, {"drawer": name}))
        expires_at = None if seconds is None else self.clock() + timedelta(seconds=seconds)
        self.drawers.put(name, drawer, expires_at=expires_at)

    def opened(self, name: str) -> dict[str, Any] | None:
        """The secret; None when there is none, or its time has passed. `Malformed` as `Vault.open`."""
        drawer = self.drawers.get(name)
        if drawer is None or not drawer.sealed:
            return None
        found = json.loads(self.vault.open(drawer.sealed, {"drawer": name}))
        return found if isinstance(found, dict) else None

    def shown(self, name: str) -> Mapping[str, Any] | None:
        """What everybody may see of it; asks no vault."""
        drawer = self.drawers.get(name)
        return None if drawer is None else drawer.shown

    def forget(self, name: str) -> None:
        self.drawers.delete(name)
