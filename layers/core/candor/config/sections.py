"""Sections: which settings there are, what they may be, and which of them are secrets."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from candor.errors import Fault, Invalid

MASK: Final = "…"
_SHOWN: Final = 4
_LEAST_TO_SHOW: Final = 8
"""Of a shorter secret the last four characters would be half of it."""

_TOLD: Final = 3
"""Wrong settings in the sentence; the list of faults holds all of them."""

_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")


class Kind(StrEnum):
    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    WHOLE = "whole"
    WORDS = "words"
    """A list of texts; a text is taken apart at its commas."""
    OBJECT = "object"
    """A small JSON object, kept as it is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting. `check` returns a value as it is kept, or raises `ValueError` with half a sentence."""

    name: str
    about: str = ""
    """What it does, for who looks at it in the API."""
    kind: Kind = Kind.TEXT
    default: Any = ""
    secret: bool = False
    """Kept sealed, never shown again but for its end."""
    address: bool = False
    """Goes through the door of `fetching` before it is kept."""
    sent_to: str = ""
    """Of a secret: the setting that says which server sees it. Who changes that sends the secret anew."""
    blank: bool = False
    """A blank text is a value of its own; elsewhere it takes a setting back to where it was."""
    choices: tuple[str, ...] = ()
    longest: int = 2_000
    """Letters, of each text; of an object as JSON."""
    lines: bool = False
    """Text of several lines."""
    most: int = 100
    """Texts in a list."""
    least: float = 0
    greatest: float = 1e15
    check: Callable[[str], str] | None = None
    """Of each text that is not blank."""
    shape: Callable[[Mapping[str, Any]], None] | None = None
    """Of an object; raises `ValueError`."""

    def read(self, value: Any) -> Any:
        """
        A value as it is kept; a blank text, whatever the kind, stands for none.

        Raises `ValueError` with the half of a sentence behind the name.
        """
        if isinstance(value, str) and not value.strip():
            return ""
        match self.kind:
            case Kind.FLAG:
                return _flag(value)
            case Kind.NUMBER | Kind.WHOLE:
                return self._number(value)
            case Kind.WORDS:
                return self._words(value)
            case Kind.OBJECT:
                return self._object(value)
            case Kind.TEXT:
                return self._text(value)

    def _number(self, value: Any) -> int | float:
        kind = "a whole number" if self.kind is Kind.WHOLE else "a number"
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"must be {kind}")
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise ValueError(f"must be {kind}") from None
        if not math.isfinite(number) or (self.kind is Kind.WHOLE and number != int(number)):
            raise ValueError(f"must be {kind}")
        if not self.least <= number <= self.greatest:
            raise ValueError(f"must be {kind} from {self.least:g} to {self.greatest:.16g}")
        return int(number) if self.kind is Kind.WHOLE else number

    def _words(self, value: Any) -> list[str]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, Sequence):
            raise ValueError("must be a list of texts")
        if len(parts) > self.most:
            raise ValueError(f"may hold {self.most} texts and no more")
        found = [self._text(part) for part in parts]
        return [text for text in dict.fromkeys(found) if text]

    def _object(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str):  # As a form field carries it.
            try:
                value = json.loads(value) if len(value) <= self.longest else None
            except (ValueError, RecursionError):
                value = None
        if not isinstance(value, Mapping):
            raise ValueError("must be a JSON object")
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError("must be a JSON object") from None
        if len(text) > self.longest:
            raise ValueError(f"is longer than {self.longest} characters")
        if self.shape is not None:
            self.shape(value)
        return dict(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        text = value if self.secret else value.strip()
        if self.lines:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > self.longest:
            raise ValueError(f"is longer than {self.longest} characters")
        allowed = "\n\t" if self.lines else ""
        if any((ord(letter) < 32 or ord(letter) == 127) and letter not in allowed for letter in text):
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
    by_key: bool = False
    """Each of them can be asked for alone, by its name: no other section that is has one of that name."""

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(setting.name for setting in self.settings if setting.secret)

    def defaults(self) -> dict[str, Any]:
        return {setting.name: setting.default for setting in self.settings}

    def setting(self, name: str) -> Setting:
        """`LookupError` for one that is not of it."""
        for setting in self.settings:
            if setting.name == name:
                return setting
        raise LookupError(name)

    def seen(self, name: str, value: Any) -> Any:
        """What may be shown of a value: of a secret its end."""
        return value["mask"] if name in self.secrets and isinstance(value, Mapping) else value

    def abouts(self) -> dict[str, str]:
        """What each does, of those that say so."""
        return {setting.name: setting.about for setting in self.settings if setting.about}

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
            said = "; ".join(f"{fault.loc[1]} {fault.msg}" for fault in faults[:_TOLD])
            more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
            raise Invalid(f"The settings are not valid: {said}{more}.", faults)
        return found


def masked(secret: str) -> str:
    """What is shown of a secret: its last four characters, of a short one nothing."""
    if not secret:
        return ""
    return MASK + (secret[-_SHOWN:] if len(secret) >= _LEAST_TO_SHOW else "")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    # Older clients keep every value as text.
    if isinstance(value, str) and value.strip().casefold() in (*_YES, *_NO):
        return value.strip().casefold() in _YES
    raise ValueError("must be true or false")
