"""Reading: all settings as one version has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from candor.config.sections import Section
from candor.config.store import Version

Own = Callable[[str], Mapping[str, Any]]
"""What the environment says of a section, as it would be kept; of a secret `{"mask": …}`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What belongs together, read together: a change in between is in none of it or in all."""

    sections: Mapping[str, Section]
    own: Own
    open: Callable[[str, str, Mapping[str, Any]], str] = field(repr=False)
    """The secret of a section's setting."""
    made: Version | None = None

    @property
    def version(self) -> int:
        """0: before the first change."""
        return 0 if self.made is None else self.made.version

    def shown(self, section: str) -> dict[str, Any]:
        """Every setting of a section; secrets as `…last4`, blank when there is none."""
        stored, known = self.stored(section), self.sections[section]
        return {name: known.seen(name, stored.get(name, own)) for name, own in self.unset(section).items()}

    def opened(self, section: str) -> dict[str, Any]:
        """
        Every setting of a section, its secrets open; those of the environment are not known here.

        `Malformed` for one that cannot be opened, `Unavailable` while nothing can.
        """
        stored, secrets = self.stored(section), self.sections[section].secrets
        found = {name: stored.get(name, own) for name, own in self.unset(section).items()}
        for name in secrets:
            found[name] = self.open(section, name, stored[name]) if name in stored else ""
        return found

    def stored(self, section: str) -> Mapping[str, Any]:
        """What was set of it; a secret is `{"sealed": …, "mask": …}`."""
        return self.made.values.get(section, {}) if self.made else {}

    def unset(self, section: str) -> dict[str, Any]:
        """What a section is while nothing is set of it: the environment's, else its defaults."""
        given = {name: value for name, value in self.own(section).items() if value not in (None, "")}
        return {**self.sections[section].defaults(), **given}
