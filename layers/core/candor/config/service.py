"""Configuration: settings read within seconds of their change, changed in part, and taken back."""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from candor.config.reading import Own, Reading
from candor.config.sections import MASK, Section, masked
from candor.config.store import ConfigStore, Edit, Version
from candor.errors import Conflict, Fault, Invalid, Malformed, NotFound, Unavailable
from candor.vault import Vault

SEEN_AFTER_SECONDS: Final = 5.0
"""A change made elsewhere is seen no later than this."""

_ROUNDS: Final = 8

_LONGEST_EDIT: Final = 1_000
"""Letters of a text in the list of changes; the versions themselves hold the whole of it."""
_LONGEST_LIST: Final = 20

MAX_BYTES: Final = 250_000
"""Of all settings together: a version is one item, and DynamoDB takes 400 KB with what was changed."""

_log = logging.getLogger(__name__)


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
        environment: Own = lambda section: {},
        clock: Callable[[], datetime] = _now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`check_address`: the door of `fetching.Fetcher`. `environment`: by section; blank, None: unset."""
        self._store = store
        self._vault = vault
        self._sections = {section.name: section for section in sections}
        self._check_address = check_address
        self._environment = environment
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._seen: tuple[float, Version | None] | None = None
        self._opened: dict[str, str] = {}
        self._ask_again = 0.0

    @property
    def sections(self) -> Mapping[str, Section]:
        """What there is to set, by name."""
        return self._sections

    def reading(self) -> Reading:
        """All of it, as it is now."""
        return self._reading(self._current())

    def known(self) -> Reading:
        """
        As `reading`, for whoever must not fail: while the store is down, the last one known.

        At first that is what the environment says. A store that is down is asked again every five seconds.
        """
        with self._lock:
            last = self._seen[1] if self._seen is not None else None
            if self._ticks() < self._ask_again:
                return self._reading(last)
        try:
            return self.reading()
        except Unavailable:
            _log.warning("settings not read: the last ones known stay in force")
            with self._lock:
                self._ask_again = self._ticks() + SEEN_AFTER_SECONDS
            return self._reading(last)

    def refresh(self) -> Reading:
        """As `reading`, and not from what was read within the last five seconds."""
        return self._reading(self._current(fresh=True))

    def shown(self, section: str) -> dict[str, Any]:
        """Every setting of a section; secrets as `…last4`, blank when there is none."""
        return self.reading().shown(section)

    def opened(self, section: str) -> dict[str, Any]:
        """Every setting of a section, its secrets open. `Malformed` for one that cannot be opened."""
        return self.reading().opened(section)

    @property
    def version(self) -> int:
        """The number of the one in force; 0 before the first change."""
        return self.reading().version

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
                wanted[setting.name] = self._address(section, setting.name, wanted[setting.name])
        for _ in range(_ROUNDS):
            current = self._current(fresh=True)
            reading = self._reading(current)
            before = reading.stored(section)
            after = dict(before)
            for name, value in wanted.items():
                self._set(reading, known, after, name, value)
            if after == before:
                return reading.shown(section)
            anew = {name for name in known.secrets & wanted.keys() if not wanted[name].startswith(MASK)}
            _keep_apart(known, reading.unset(section), before, after, anew)
            values = {**(current.values if current else {}), section: after}
            if (made := self._added(current, values, by)) is not None:
                return self._reading(made).shown(section)
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
                return {name: self._reading(made).shown(name) for name in self._sections}
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
            if self._seen is not None and self._seen[0] > began + SEEN_AFTER_SECONDS:
                return self._seen[1]  # Somebody here has read or changed it since this reading began.
            self._seen = (began + SEEN_AFTER_SECONDS, current)
        return current

    def _added(
        self, current: Version | None, values: Mapping[str, Mapping[str, Any]], by: str
    ) -> Version | None:
        """The version made of it; None if somebody else has made one meanwhile."""
        if len(json.dumps(values, ensure_ascii=False).encode()) > MAX_BYTES:
            raise Invalid(f"All settings together may take {MAX_BYTES} bytes: shorten the longest texts.")
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
        reading = self._reading(current)
        for section, known in self._sections.items():
            before, after = reading.stored(section), values.get(section, {})
            if before == after:
                continue
            unset = reading.unset(section)
            for name, own in unset.items():
                if before.get(name) != after.get(name):
                    old, new = (known.seen(name, stored.get(name, own)) for stored in (before, after))
                    edits.append(Edit(key=f"{section}.{name}", before=_short(old), after=_short(new)))
        return tuple(edits)

    def _set(self, reading: Reading, known: Section, values: dict[str, Any], name: str, value: Any) -> None:
        own = reading.unset(known.name)[name]
        if (value == "" and not known.setting(name).blank) or value == own:
            values.pop(name, None)
        elif name not in known.secrets:
            values[name] = value
        else:
            held = values.get(name)
            if value == known.seen(name, held if held is not None else own):
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

    def _address(self, section: str, name: str, value: str) -> str:
        own = str(self._reading(None).unset(section)[name])
        if value.rstrip("/") == own.rstrip("/"):
            return own  # Whoever runs this has named it in the environment: it may be anywhere.
        try:
            return self._check_address(value)
        except Malformed as error:
            raise Malformed(f"{name}: {error}") from None

    def _reading(self, made: Version | None) -> Reading:
        return Reading(sections=self._sections, own=self._environment, open=self._open, made=made)


def _keep_apart(
    known: Section,
    unset: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    anew: Collection[str],
) -> None:
    """A secret that is kept, and was not given `anew`, goes to no other server than it was given for."""
    for setting in known.settings:
        place, held = setting.sent_to, before.get(setting.name)
        if not place or held is None or setting.name in anew:
            continue
        if before.get(place, unset[place]) != after.get(place, unset[place]):
            sentence = f"{place} changes where {setting.name} goes: send {setting.name} with it, or blank."
            raise Invalid(sentence, [Fault(loc=("body", setting.name), msg="is missing")])


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_EDIT:
        return f"{value[:_LONGEST_EDIT]}… ({len(value)} characters)"
    if isinstance(value, list) and len(value) > _LONGEST_LIST:
        return [*value[:_LONGEST_LIST], f"… ({len(value)} in all)"]
    return value


def _context(section: str, name: str) -> dict[str, str]:
    return {"config": f"{section}.{name}"}
