"""
Grammar: an administrator's pattern as a tree, or half a sentence about what is wrong with it.

Python's own parser reads it, so that what is written for `re` means here what it means there. What remains
after that are the parts which a machine without memory can follow: what would need one (backreferences,
lookaround, atomic groups) is refused by name.
"""

import importlib
import re
import unicodedata
import warnings
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

_parser: Final[Any] = importlib.import_module("re._parser")
"""Private, and what `re` itself reads patterns with; a test says so if a later Python moves it."""

LONGEST: Final = 500
"""Characters of a pattern, and of what is read of a message."""

MOST_STATES: Final = 1_000
"""Characters a pattern may stand for when its counted repeats are written out."""


class Border(StrEnum):
    """What is true between two characters."""

    START = "start"
    END = "end"
    WORD = "word"
    NOT_WORD = "not_word"


@dataclass(frozen=True, slots=True)
class Letters:
    """Which characters may stand at one place."""

    ranges: tuple[tuple[str, str], ...] = ()
    kinds: tuple[str, ...] = ()
    """`digit`, `space`, `word`, and each with `not ` before it."""
    negated: bool = False
    folded: bool = True
    """Upper and lower case are the same."""

    def takes(self, character: str) -> bool:
        forms = _forms(character) if self.folded else (character,)
        found = any(low <= form <= high for low, high in self.ranges for form in forms) or any(
            is_of(kind, character) for kind in self.kinds
        )
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class Chain:
    """One after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them."""

    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """One part, `least` to `most` times; None: without an end."""

    part: "Node"
    least: int
    most: int | None


Node = Letters | Border | Chain | Choice | Repeat


def is_of(kind: str, character: str) -> bool:
    """What `\\d`, `\\s` and `\\w` mean in Python, in every script."""
    match kind.removeprefix("not "):
        case "digit":
            found = character.isdecimal()
        case "space":
            found = character.isspace()
        case _:
            found = character.isalnum() or character == "_"
    return found is not kind.startswith("not ")


@lru_cache(maxsize=5_000)
def read(pattern: str) -> Node:
    """The tree of a pattern. `ValueError` with half a sentence behind "the pattern"."""
    if len(pattern) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    pattern = unicodedata.normalize("NFC", pattern)
    try:
        with warnings.catch_warnings():
            # Python warns of what a later version will read otherwise: a set within a set.
            warnings.simplefilter("error")
            parsed = _parser.parse(pattern)
    except re.error as error:
        place = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise ValueError(f"is not a regular expression: {error.msg}{place}") from None
    except Warning as warning:
        raise ValueError(f"is not clear: {warning}") from None
    except (OverflowError, RecursionError, MemoryError):
        raise ValueError("is nested too deep, or repeats too often") from None
    if parsed.state.flags & (re.ASCII | re.LOCALE):
        raise ValueError("sets the flag a or L: letters of every language are letters here")
    try:
        tree = _sequence(parsed, folded=True)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if size(tree) > MOST_STATES:
        raise ValueError(f"stands for more than {MOST_STATES} characters when its repeats are written out")
    return tree


def size(node: Node) -> int:
    """How many characters it stands for when its counted repeats are written out."""
    match node:
        case Letters():
            return 1
        case Border():
            return 0
        case Chain(parts=parts) | Choice(options=parts):
            return sum(map(size, parts))
        case Repeat(part=part, least=least, most=most):
            return size(part) * max(least + 1 if most is None else most, 1)


def may_be_empty(node: Node) -> bool:
    """Whether it can match without a character."""
    match node:
        case Letters():
            return False
        case Border():
            return True
        case Chain(parts=parts):
            return all(map(may_be_empty, parts))
        case Choice(options=options):
            return any(map(may_be_empty, options))
        case Repeat(part=part, least=least):
            return least == 0 or may_be_empty(part)


@lru_cache(maxsize=4_000)
def _forms(character: str) -> tuple[str, ...]:
    forms = (character, character.lower(), character.upper(), character.casefold())
    return tuple(dict.fromkeys(form for form in forms if len(form) == 1))


def _sequence(items: Any, *, folded: bool) -> Node:
    parts = tuple(_node(str(op), value, folded=folded) for op, value in items)
    return parts[0] if len(parts) == 1 else Chain(parts)


def _node(op: str, value: Any, *, folded: bool) -> Node:
    match op:
        case "LITERAL" | "NOT_LITERAL":
            one = chr(value)
            return Letters(((one, one),), negated=op == "NOT_LITERAL", folded=folded)
        case "ANY":
            return Letters((("\n", "\n"),), negated=True)
        case "IN":
            return _set(value, folded=folded)
        case "BRANCH":
            return Choice(tuple(_sequence(option, folded=folded) for option in value[1]))
        case "SUBPATTERN":
            _, added, dropped, inner = value
            if added & (re.ASCII | re.LOCALE):
                raise ValueError("sets the flag a or L: letters of every language are letters here")
            return _sequence(inner, folded=folded and not dropped & re.IGNORECASE)
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, inner = value
            unlimited = most == _parser.MAXREPEAT
            return Repeat(_sequence(inner, folded=folded), int(least), None if unlimited else int(most))
        case "AT":
            return _BORDERS[str(value)]
        case _:
            raise ValueError(_REFUSED.get(op, "uses something that is not known here"))


def _set(items: Any, *, folded: bool) -> Letters:
    ranges: list[tuple[str, str]] = []
    kinds: list[str] = []
    negated = False
    for op, value in items:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                ranges.append((chr(value), chr(value)))
            case "RANGE":
                ranges.append((chr(value[0]), chr(value[1])))
            case _:
                kinds.append(_KINDS[str(value)])
    return Letters(tuple(ranges), tuple(kinds), negated, folded)


_BORDERS: Final = {
    "AT_BEGINNING": Border.START,
    "AT_BEGINNING_STRING": Border.START,
    "AT_END": Border.END,
    "AT_END_STRING": Border.END,
    "AT_BOUNDARY": Border.WORD,
    "AT_NON_BOUNDARY": Border.NOT_WORD,
}
_KINDS: Final = {
    "CATEGORY_DIGIT": "digit",
    "CATEGORY_NOT_DIGIT": "not digit",
    "CATEGORY_SPACE": "space",
    "CATEGORY_NOT_SPACE": "not space",
    "CATEGORY_WORD": "word",
    "CATEGORY_NOT_WORD": "not word",
}
_LOOKS: Final = (
    "looks ahead or behind, which is not supported: say what a message holds, and let an intent with a "
    "smaller sort_order take the messages that are not meant"
)
_REFUSED: Final = {
    "ASSERT": _LOOKS,
    "ASSERT_NOT": _LOOKS,
    "FAILURE": _LOOKS,
    "GROUPREF": "refers back to a group, which may take for ever to match: repeat the words instead",
    "GROUPREF_EXISTS": "asks whether a group has matched, which is not supported: write alternatives",
    "ATOMIC_GROUP": "holds an atomic group, which is not supported: write (?:…) instead",
    "POSSESSIVE_REPEAT": "holds a possessive repeat, which is not supported: leave out the + behind it",
}
