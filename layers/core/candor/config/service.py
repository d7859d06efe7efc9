"""Configuration: settings read within seconds of their change, changed in part, and taken back."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from candor.config.sections import MASK, Section, masked
from candor.config.store import ConfigStore, Edit, Version
from candor.errors import Conflict, Fault, Invalid, Malformed, NotFound
from candor.vault import Vault

SEEN_AFTER_SECONDS: Final = 5.0
"""A change made elsewhere is seen no later than this."""

_ROUNDS: Final = 8


def _now() -> datetime:
    return datetime.now(UTC)


class Configuration:
    """
    The settings in force: what was set, else what the environment says, else the section's default.

    Every change is a version of the whole, so that two sections changed together are taken back together.
    """

    def __init__(
        self,
        *,
        store: ConfigStore,
        vault: Vault,
        sections: Sequence[Section],
        check_address: Callable[[str], str],
        environment: Mapping[str, Mapping[str, Any]] | None = None,
        clock: Callable[[], datetime] = _now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`check_address`: the door of `fetching.Fetcher`. `environment`: values by section; blank: unset."""
        self._store = store
        self._vault = vault
        self._sections = {section.name: section for section in sections}
        self._check_address = check_address
        self._environment = environment or {}
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._seen: tuple[float, Version | None] | None = None
        self._opened: dict[str, str] = {}

    def shown(self, section: str) -> dict[str, Any]:
        """Every setting of a section; secrets as `…last4`, blank when there is none."""
        return self._shown(section, self._current())

    def opened(self, section: str) -> dict[str, Any]:
        """Every setting of a section, its secrets open. `Malformed` for one that cannot be opened."""
        current = self._current()
        found = self._shown(section, current)
        for name, value in self._stored(section, current).items():
            if name in self._sections[section].secrets:
                found[name] = self._open(section, name, value)
        return found

    @property
    def version(self) -> int:
        """The number of the one in force; 0 before the first change."""
        current = self._current()
        return 0 if current is None else current.version

    def put(self, section: str, changes: Mapping[str, Any], *, by: str) -> dict[str, Any]:
        """
        Change what is given of a section; None keeps, a blank text unsets. The section as `shown` after it.

        `Invalid` for what a setting may not be, `Malformed` for an address that nobody may fetch. A secret
        given as it is shown stays what it is. What changes nothing makes no version.
        """
        known = self._sections[section]
        wanted = known.read(changes)
        for setting in known.settings:
            if setting.address and wanted.get(setting.name):
                wanted[setting.name] = self._address(setting.name, wanted[setting.name])
        for _ in range(_ROUNDS):
            current = self._current(fresh=True)
            before = self._stored(section, current)
            after = dict(before)
            for name, value in wanted.items():
                self._set(known, after, name, value)
            if after == before:
                return self._shown(section, current)
            values = {**(current.values if current else {}), section: after}
            if (made := self._added(current, values, by)) is not None:
                return self._shown(section, made)
        raise Conflict("Somebody else is changing the settings. Try again.", retry_after=1)

    def versions(self, *, limit: int = 100, before: int | None = None) -> Sequence[Version]:
        """Newest first, secrets masked."""
        return self._store.list(limit=limit, before=before)

    def rollback(self, version: int, *, by: str) -> dict[str, dict[str, Any]]:
        """
        Make everything as it was at that version, as a version of its own; 0: before the first change.

        Every section as `shown` after it. `Invalid` for a version that never was.
        """
        for _ in range(_ROUNDS):
            values = self._values_of(version)
            current = self._current(fresh=True)
            made = self._added(current, values, by) if self._edits(current, values) else current
            if made is not None or current is None:
                return {name: self._shown(name, made) for name in self._sections}
        raise Conflict("Somebody else is changing the settings. Try again.", retry_after=1)

    def _values_of(self, version: int) -> Mapping[str, Mapping[str, Any]]:
        try:
            return self._store.version(version).values if version else {}
        except NotFound:
            sentence = f"There is no version {version} of the configuration."
            raise Invalid(sentence, [Fault(loc=("body", "version"), msg=sentence)]) from None

    def _current(self, *, fresh: bool = False) -> Version | None:
        with self._lock:
            if not fresh and self._seen is not None and self._ticks() < self._seen[0]:
                return self._seen[1]
        began = self._ticks()
        current = self._store.latest()
        with self._lock:
            self._seen = (began + SEEN_AFTER_SECONDS, current)
        return current

    def _added(
        self, current: Version | None, values: Mapping[str, Mapping[str, Any]], by: str
    ) -> Version | None:
        """The version made of it; None if somebody else has made one meanwhile."""
        made = Version(
            version=(current.version if current else 0) + 1,
            at=self._clock(),
            by=by,
            edits=self._edits(current, values),
            values=values,
        )
        try:
            self._store.add(made)
        except Conflict:
            return None
        with self._lock:
            self._seen = (self._ticks() + SEEN_AFTER_SECONDS, made)
        return made

    def _edits(self, current: Version | None, values: Mapping[str, Mapping[str, Any]]) -> tuple[Edit, ...]:
        edits: list[Edit] = []
        for section, known in self._sections.items():
            before, after = self._stored(section, current), values.get(section, {})
            own = self._own(section)
            for setting in known.settings:
                name = setting.name
                if before.get(name) != after.get(name):
                    old, new = (_seen(stored.get(name, own[name])) for stored in (before, after))
                    edits.append(Edit(key=f"{section}.{name}", before=old, after=new))
        return tuple(edits)

    def _set(self, known: Section, values: dict[str, Any], name: str, value: Any) -> None:
        if value in ("", []) or value == self._own(known.name)[name]:
            values.pop(name, None)
        elif name not in known.secrets:
            values[name] = value
        else:
            held = values.get(name)
            if held is not None and value == held["mask"]:
                return  # Whoever sends back what was shown has not changed it.
            if value.startswith(MASK):
                sentence = f"{name} is a mask, not a secret: leave it out to keep what is there."
                raise Invalid(sentence, [Fault(loc=("body", name), msg="a mask, not a secret")])
            if held is None or not self._is(known.name, name, held, value):
                values[name] = {
                    "sealed": self._vault.seal(value.encode("utf-8"), _context(known.name, name)),
                    "mask": masked(value),
                }

    def _is(self, section: str, name: str, held: Mapping[str, Any], value: str) -> bool:
        try:
            return self._open(section, name, held) == value
        except Malformed:
            return False  # It can be opened no more: anything is better than that.

    def _open(self, section: str, name: str, held: Mapping[str, Any]) -> str:
        sealed = str(held["sealed"])
        with self._lock:
            if (known := self._opened.get(sealed)) is not None:
                return known
        secret = self._vault.open(sealed, _context(section, name)).decode("utf-8")
        with self._lock:
            if len(self._opened) > 100:
                self._opened.clear()
            self._opened[sealed] = secret
        return secret

    def _address(self, name: str, value: str) -> str:
        try:
            return self._check_address(value)
        except Malformed as error:
            raise Malformed(f"{name}: {error}") from None

    def _own(self, section: str) -> dict[str, Any]:
        given = self._environment.get(section, {})
        return {**self._sections[section].defaults(), **{name: v for name, v in given.items() if v}}

    def _stored(self, section: str, current: Version | None) -> Mapping[str, Any]:
        return current.values.get(section, {}) if current else {}

    def _shown(self, section: str, current: Version | None) -> dict[str, Any]:
        own = self._own(section)
        stored = self._stored(section, current)
        return {name: _seen(stored.get(name, default)) for name, default in own.items()}


def _seen(value: Any) -> Any:
    return value["mask"] if isinstance(value, Mapping) else value


def _context(section: str, name: str) -> dict[str, str]:
    return {"config": f"{section}.{name}"}
