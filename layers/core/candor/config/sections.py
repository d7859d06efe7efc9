"""Sections: which settings there are, what they may be, and which of them are secrets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from candor.errors import Fault, Invalid

MASK: Final = "…"
_SHOWN: Final = 4
_LEAST_TO_SHOW: Final = 8
"""Of a shorter secret the last four characters would be half of it."""


class Kind(StrEnum):
    TEXT = "text"
    FLAG = "flag"
    WORDS = "words"
    """A list of texts; a text is taken apart at its commas."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting. `check` returns a value as it is kept, or raises `ValueError` with half a sentence."""

    name: str
    kind: Kind = Kind.TEXT
    default: Any = ""
    secret: bool = False
    """Kept sealed, never shown again but for its end."""
    address: bool = False
    """Goes through the door of `fetching` before it is kept."""
    choices: tuple[str, ...] = ()
    longest: int = 2_000
    """Letters, of each text."""
    most: int = 100
    """Texts in a list."""
    check: Callable[[str], str] | None = None
    """Of each text that is not blank."""

    def read(self, value: Any) -> Any:
        """A value as it is kept. Raises `ValueError` with the half of a sentence behind the name."""
        match self.kind:
            case Kind.FLAG:
                if not isinstance(value, bool):
                    raise ValueError("must be true or false")
                return value
            case Kind.WORDS:
                parts = value.split(",") if isinstance(value, str) else value
                if not isinstance(parts, Sequence):
                    raise ValueError("must be a list of texts")
                if len(parts) > self.most:
                    raise ValueError(f"may hold {self.most} texts and no more")
                found = [self._text(part) for part in parts]
                return [text for text in dict.fromkeys(found) if text]
            case Kind.TEXT:
                return self._text(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        text = value if self.secret else value.strip()
        if len(text) > self.longest:
            raise ValueError(f"is longer than {self.longest} characters")
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise ValueError("holds a control character")
        if text and self.choices and text not in self.choices:
            raise ValueError(f"must be one of: {', '.join(self.choices)}")
        # What was shown of a secret may be sent back: it is compared, not read.
        if not text or self.check is None or (self.secret and text.startswith(MASK)):
            return text
        return self.check(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Settings that belong together, by a name that stands before theirs in the list of changes."""

    name: str
    settings: tuple[Setting, ...]

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(setting.name for setting in self.settings if setting.secret)

    def defaults(self) -> dict[str, Any]:
        return {setting.name: setting.default for setting in self.settings}

    def read(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """What is given of it, as it is kept; None counts as left out. `Invalid` naming each wrong one."""
        found: dict[str, Any] = {}
        faults: list[Fault] = []
        for setting in self.settings:
            if changes.get(setting.name) is None:
                continue
            try:
                found[setting.name] = setting.read(changes[setting.name])
            except ValueError as error:
                faults.append(Fault(loc=("body", setting.name), msg=str(error)))
        if faults:
            said = "; ".join(f"{fault.loc[1]} {fault.msg}" for fault in faults)
            raise Invalid(f"The settings are not valid: {said}.", faults)
        return found


def masked(secret: str) -> str:
    """What is shown of a secret: its last four characters, of a short one nothing."""
    if not secret:
        return ""
    return MASK + (secret[-_SHOWN:] if len(secret) >= _LEAST_TO_SHOW else "")
