"""Records: one entry of a file, and what every reader does to its text."""

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from candor.documents import DOC_TYPES, Draft
from candor.errors import Invalid
from candor.tickets.values import TicketDraft

MAX_TEXT = 2_000_000
"""Letters of one document. A longer one is a file of its own that wants splitting."""

MAX_URL = 2_000

MAX_LABEL = 200
"""Letters of a product, a region, a date."""

MAX_METADATA = 50_000
"""Bytes of a document's metadata as JSON: it lies in the document's row, and a row has 400 KB."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n{4,}")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """
    One entry: a document, a ticket, or the reason why it is neither.

    `index` counts from 0, -1 is the file as a whole.

    `skipped` entries could be read and hold nothing worth keeping; the others are faulty.
    """

    index: int
    draft: Draft | None = None
    ticket: TicketDraft | None = None
    reason: str = ""
    skipped: bool = False

    @property
    def identity(self) -> str | None:
        """What says that two records are of one thing: the later one counts. None for a faulty one."""
        if self.draft is not None:
            return self.draft.url
        return self.ticket.ticket_id if self.ticket is not None else None


class Skipped(Invalid):
    """The record can be read and holds nothing worth keeping."""


def tidy(text: str) -> str:
    """The text without what no reader sees: control characters, half surrogates, hard and trailing blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    text = _SURROGATE.sub("\ufffd", _UNPRINTABLE.sub("", text))
    return _BLANK_LINES.sub("\n\n\n", _TRAILING.sub("", text)).strip()


def metadata_of(value: Any) -> dict[str, Any]:
    """A record's metadata; `Invalid` when no row and no answer can hold it."""
    if not isinstance(value, dict):
        return {}
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError):
        raise Invalid("The metadata holds what is no JSON: half a letter, or a number without end.") from None
    if size > MAX_METADATA:
        raise Invalid(f"The metadata is larger than {MAX_METADATA:,} bytes.")
    return value


def known_type(key: str) -> str | None:
    """The file's stem when it is a document type everybody knows (`pricing.json`)."""
    stem = PurePosixPath(key).stem.lower()
    return stem if stem in DOC_TYPES else None


def encoding_of(start: bytes) -> str:
    """UTF-8 or UTF-16 (UTF-32 too), with or without a byte order mark, by the first bytes."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return json.detect_encoding(start)


def decoded(body: bytes, key: str) -> tuple[str, int]:
    """
    The file's text, and how many letters of it were unreadable and replaced.

    `Invalid` when so many are that it must be another encoding.
    """
    encoding = encoding_of(body[:4])
    try:
        return body.decode(encoding), 0
    except UnicodeDecodeError:
        text = body.decode(encoding, "replace")
    replaced = text.count("\ufffd")
    if replaced > max(10, len(text) // 100):
        raise Invalid(f"{PurePosixPath(key).name} is neither UTF-8 nor UTF-16: save it as UTF-8.")
    return text, replaced
