"""JSON files: one value with a list in it, a bare list, or one record a line."""

import io
import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.records import Record, Skipped, decoded, encoding_of
from candor.sources.shapes import SHAPES, Context, Reader, draft_of_any
from candor.sources.spooling import peeked
from candor.tickets.values import TicketDraft

MAX_BYTES = 64_000_000
"""A plain JSON file is parsed whole, at about six times its size in memory; JSON Lines has no limit."""


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """A file with one JSON value; one that turns out to be JSON Lines is read as such."""
    name = PurePosixPath(key).name
    body = stream.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise Invalid(
            f"{name} is larger than {MAX_BYTES // 1_000_000} MB: split it, or write JSON Lines "
            "(.jsonl, one record a line), which has no limit."
        )
    text, replaced = decoded(body, key)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_record(text.lstrip().partition("\n")[0]):
            yield from read_lines(io.BytesIO(body), key, deadline)
            return
        raise Invalid(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise Invalid(f"{name} is nested too deeply to be read.") from error
    except ValueError as error:
        raise Invalid(f"{name} holds a number with too many digits.") from error
    if replaced:
        yield Record(
            index=-1, reason=f"{replaced} letters were not valid and have been replaced.", skipped=True
        )
    yield from _records(value, key)


def read_lines(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One record a line, of any shape; blank lines do not count. Holds one line in memory."""
    start, rest = peeked(stream, 4)
    lines = io.TextIOWrapper(rest, encoding=encoding_of(start), errors="replace", newline="\n")
    context = Context(key=key)
    index = -1
    for line in lines:
        if not line.strip():
            continue
        index += 1
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply, or a number with too many digits"
            if isinstance(error, json.JSONDecodeError):
                reason = error.msg
            yield Record(index=index, reason=f"The line is not JSON: {reason}.")
            continue
        yield _record(index, record, draft_of_any, context)


def _records(value: Any, key: str) -> Iterator[Record]:
    name = PurePosixPath(key).name
    if isinstance(value, list):
        yield from _numbered(value, draft_of_any, Context(key=key))
        return
    if not isinstance(value, dict):
        raise Invalid(f"{name} holds neither an object nor a list.")
    for shape in SHAPES:
        entries = shape.entries(value)
        if entries is not None:
            context = Context(
                key=key,
                doc_type=value.get("doc_type"),
                category=value.get("category"),
                source=value.get("source"),
            )
            yield from _numbered(entries, shape.read, context)
            return
    keys = ", ".join(sorted(shape.name for shape in SHAPES))
    raise Invalid(f"{name} has none of the lists we read ({keys}), nor is it a list itself.")


def _numbered(entries: Any, read_one: Reader, context: Context) -> Iterator[Record]:
    if not isinstance(entries, list):
        raise Invalid(
            f"{PurePosixPath(context.key).name} has something other than a list where its records belong."
        )
    for index, entry in enumerate(entries):
        yield _record(index, entry, read_one, context)


def _record(index: int, entry: Any, read_one: Reader, context: Context) -> Record:
    if not isinstance(entry, dict):
        return Record(index=index, reason="The record is no object.")
    try:
        found = read_one(entry, context)
        if isinstance(found, TicketDraft):
            return Record(index=index, ticket=found)
        return Record(index=index, draft=found)
    except Skipped as why:
        return Record(index=index, reason=str(why), skipped=True)
    except Invalid as why:
        return Record(index=index, reason=str(why))


def _is_record(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
