"""Text files: one document each, Markdown, plain text or a saved web page."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.errors import Invalid
from candor.markup import first_heading
from candor.sources.deadlines import Deadline
from candor.sources.encodings import decoded_any
from candor.sources.html import text_of_html
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.whole import record_of

_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,1000})", re.IGNORECASE)
_MAX_BYTES = 4 * MAX_TEXT


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """A Markdown or plain text file."""
    text = decoded_any(_whole(stream, key), PurePosixPath(key).name)
    yield record_of(key, tidy(text))


def read_html(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """A web page saved to a file."""
    html = decoded_any(_whole(stream, key), PurePosixPath(key).name, html=True)
    text = tidy(text_of_html(html))
    # A page's own heading: its title has the site's name in it, and stands in where there is none.
    named = _TITLE.search(html[:100_000])
    title = "" if first_heading(text) or named is None else " ".join(tidy(unescape(named[1])).split())
    yield record_of(key, text, title=title, raw=tidy(html))


def _whole(stream: BinaryIO, key: str) -> bytes:
    body = stream.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise Invalid(f"{PurePosixPath(key).name} is larger than {_MAX_BYTES // 1_000_000} MB: split it.")
    return body
