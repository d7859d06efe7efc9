"""Forms: a Bitrix24 event is a form whose names are paths: `data[PARAMS][MESSAGE]`."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from candor.errors import Malformed, TooLarge, UnsupportedType

MAX_BYTES: Final = 256_000
"""An event is a few kilobytes; a message has 20,000 letters at most, nine bytes each in a form."""

_MAX_FIELDS: Final = 1_000
_MAX_DEPTH: Final = 8
_KIND: Final = "application/x-www-form-urlencoded"
_CHARSETS: Final = ("utf-8", "windows-1251", "cp1251")
"""On-premise installations in the older encoding exist."""
_NAME = re.compile(r"([^\[\]]{1,100})((?:\[[^\[\]]{0,100}\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The fields by their paths. Names are told apart without regard to case: both APIs spell their own."""

    fields: Mapping[tuple[str, ...], str] = field(repr=False)

    def get(self, *paths: str) -> str:
        """The first of these, written `data.params.message`, that is there and not blank; else blank."""
        for path in paths:
            if found := self.fields.get(tuple(path.split("."))):
                return found
        return ""

    def below(self, path: str) -> Iterator[str]:
        """The names directly below a path, each once."""
        start = tuple(path.split("."))
        size = len(start)
        yield from dict.fromkeys(
            names[size] for names in self.fields if names[:size] == start and len(names) > size
        )


def parse(raw: bytes, content_type: str) -> Form:
    """The form. `UnsupportedType`, `TooLarge` or `Malformed`, with a sentence, for what is none."""
    kind, _, parameters = content_type.partition(";")
    if kind.strip().casefold() != _KIND:
        raise UnsupportedType(f"A Bitrix24 event is a form: Content-Type {_KIND}.")
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"The form is larger than the {MAX_BYTES:,} bytes an event may have.")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=False,
            encoding=_charset(parameters),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except (ValueError, UnicodeError):
        # Without the parser's own words: they quote the form.
        raise Malformed(
            f"The form cannot be read: it is not encoded as it says, or has more than {_MAX_FIELDS:,} fields."
        ) from None
    return Form(fields={path: value for name, value in pairs if (path := _path(name)) is not None})


def _charset(parameters: str) -> str:
    found = re.search(r"charset\s*=\s*\"?([A-Za-z0-9_-]{1,40})", parameters, re.IGNORECASE)
    if found is None:
        return "utf-8"
    try:
        name = codecs.lookup(found[1]).name
    except LookupError:
        name = ""
    if name not in {codecs.lookup(known).name for known in _CHARSETS}:
        raise UnsupportedType(f"Forms are read in {_CHARSETS[0]} and {_CHARSETS[1]}.")
    return name


def _path(name: str) -> tuple[str, ...] | None:
    """None for a name that is no path of ours: it is passed over, as every unknown field is."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    parts = (found[1], *_PART.findall(found[2]))
    return tuple(part.casefold() for part in parts) if len(parts) <= _MAX_DEPTH else None
