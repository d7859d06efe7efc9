"""The webhooks' port: where hooks are kept."""

from collections.abc import Sequence
from typing import Protocol

from candor.webhooks.values import Hook, LastStatus


class Hooks(Protocol):
    """Where hooks are kept. A handful: all of them are one page. Each method raises `Unavailable`."""

    def all(self) -> Sequence[Hook]:
        """Oldest first, read consistently."""
        ...

    def get(self, hook_id: str) -> Hook:
        """As it is now; `NotFound`."""
        ...

    def add(self, hook: Hook) -> None: ...

    def change(self, hook: Hook) -> None:
        """What an administrator decides of it; its last status stays. `NotFound` if it was removed."""
        ...

    def note(self, hook_id: str, status: LastStatus, *, disable: bool = False) -> None:
        """How a delivery went. Nothing if there is no such hook any more."""
        ...

    def remove(self, hook_id: str) -> None:
        """`NotFound` if there is none."""
        ...
