"""Whole: a file that is one document as a whole, whatever its format."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from candor.documents import Draft
from candor.markup import first_heading
from candor.objects import SOURCE_PREFIX, UPLOADS_PREFIX
from candor.sources.records import MAX_TEXT, Record, known_type

_TITLED_WITHIN = 20_000
"""Letters: a heading further down names a chapter."""

_ITEM = re.compile(r" *(?:-|\(?\w{1,8}[.)]) ")


def laid_out(blocks: Sequence[str]) -> str:
    """Blocks as one text: items of a list one below the other, everything else parted by a blank line."""
    parts: list[str] = []
    for at, block in enumerate(blocks):
        items = at > 0 and _ITEM.match(block) and _ITEM.match(blocks[at - 1])
        parts += [("\n" if items else "\n\n") if at else "", block]
    return "".join(parts)


def name_of(key: str) -> str:
    """The file's name as a title: without its suffix, hyphens as blanks."""
    path = PurePosixPath(key)
    return path.stem.replace("-", " ").replace("_", " ").strip() or path.name


def record_of(key: str, text: str, *, title: str = "", raw: str = "") -> Record:
    """
    The file's one record. Its title is the one given, else its first heading, else the file's name.

    A file without text is skipped; one that is too long is a fault.
    """
    # A file uploaded in one request and the same file put by a form are one document.
    path = PurePosixPath(key.removeprefix(UPLOADS_PREFIX).removeprefix(SOURCE_PREFIX))
    if not text:
        return Record(index=0, reason="The file holds no text.", skipped=True)
    if len(text) > MAX_TEXT:
        return Record(index=0, reason=f"The text is longer than {MAX_TEXT:,} characters: split it.")
    return Record(
        index=0,
        draft=Draft(
            url=f"file://{path}",
            title=(title or first_heading(text[:_TITLED_WITHIN]) or name_of(key))[:500],
            text=text,
            raw=raw,
            doc_type=known_type(key) or "other",
            source=key,
        ),
    )
