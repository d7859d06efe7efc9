"""Text files: one document each, Markdown, plain text or a saved web page."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.documents import Draft
from candor.errors import Invalid
from candor.markup import first_heading
from candor.objects import SOURCE_PREFIX
from candor.sources.html import text_of_html
from candor.sources.records import MAX_TEXT, Record, decoded, known_type, tidy

_MAX_BYTES = 4 * MAX_TEXT


def read(stream: BinaryIO, key: str) -> Iterator[Record]:
    """A Markdown or plain text file."""
    text, _ = decoded(_whole(stream, key), key)
    yield _record(key, tidy(text), raw="")


def read_html(stream: BinaryIO, key: str) -> Iterator[Record]:
    """A web page saved to a file."""
    html, _ = decoded(_whole(stream, key), key)
    yield _record(key, tidy(text_of_html(html)), raw=tidy(html))


def _whole(stream: BinaryIO, key: str) -> bytes:
    body = stream.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise Invalid(f"{PurePosixPath(key).name} is larger than {_MAX_BYTES // 1_000_000} MB: split it.")
    return body


def _record(key: str, text: str, *, raw: str) -> Record:
    path = PurePosixPath(key.removeprefix(SOURCE_PREFIX))
    if not text:
        return Record(index=0, reason="The file holds no text.", skipped=True)
    if len(text) > MAX_TEXT:
        return Record(index=0, reason=f"The text is longer than {MAX_TEXT:,} characters: split it.")
    title = first_heading(text) or path.stem.replace("-", " ").replace("_", " ").strip() or path.name
    draft = Draft(
        url=f"file://{path}",
        title=title[:500],
        text=text,
        raw=raw,
        doc_type=known_type(key) or "other",
        source=key,
    )
    return Record(index=0, draft=draft)
