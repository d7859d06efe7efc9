"""In-memory hooks: webhooks without a database."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from candor.errors import NotFound, Unavailable
from candor.webhooks.values import Hook, LastStatus


class MemoryHooks:
    """`Hooks` in a dictionary."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self._hooks: dict[str, Hook] = {}
        self._lock = threading.Lock()

    def all(self) -> Sequence[Hook]:
        with self._open():
            return sorted(self._hooks.values(), key=lambda hook: (hook.created_at, hook.hook_id))

    def get(self, hook_id: str) -> Hook:
        with self._open():
            return self._found(hook_id)

    def add(self, hook: Hook) -> None:
        with self._open():
            self._hooks[hook.hook_id] = hook

    def change(self, hook: Hook) -> None:
        with self._open():
            kept = self._found(hook.hook_id)
            self._hooks[hook.hook_id] = replace(hook, last_status=kept.last_status)

    def note(self, hook_id: str, status: LastStatus, *, disable: bool = False) -> None:
        with self._open():
            if (kept := self._hooks.get(hook_id)) is not None:
                enabled = kept.enabled and not disable
                self._hooks[hook_id] = replace(kept, last_status=status, enabled=enabled)

    def remove(self, hook_id: str) -> None:
        with self._open():
            self._found(hook_id)
            del self._hooks[hook_id]

    def _found(self, hook_id: str) -> Hook:
        try:
            return self._hooks[hook_id]
        except KeyError:
            raise NotFound("There is no such webhook.") from None

    def _open(self) -> threading.Lock:
        if self.down:
            raise Unavailable("The in-memory hooks have been taken down.")
        return self._lock
