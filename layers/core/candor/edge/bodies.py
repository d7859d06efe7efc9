"""Bodies: from bytes and query strings to validated models, or to a sentence about what is wrong."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from candor.edge.routes import Route
from candor.errors import Fault, Invalid, Malformed, TooLarge, UnsupportedType

MAX_BODY_BYTES = 5 * 1024 * 1024
"""Lambda takes 6 MB, encoded and with everything around it."""

_MAX_DEPTH = 64

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8"} | dict.fromkeys(
    ("windows-1251", "cp1251", "cp-1251"), "cp1251"
)
_BINARY_JSON = "application/vnd.candor+json"
"""Passed on byte by byte: the template names it as a binary media type."""

_TOO_LONG = re.compile(r"Value should have at most (\d+) items? after validation, not \d+")

_MAX_ID_BYTES = 1024
"""DynamoDB takes keys of 2,048 bytes, with what we write before them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file out of a form: its name as the sender gave it, and what it holds."""

    name: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A multipart body: its one file, and its other fields."""

    file: File
    fields: Mapping[str, str]

    def value(self) -> dict[str, Any]:
        """Equal for forms that say the same, whatever boundary they were sent with."""
        digest = hashlib.sha256(self.file.body).hexdigest()
        return {"fields": dict(self.fields), "file": [self.file.name, digest]}


FormReader = Callable[[bytes, str], Form]
"""From a body and its content type."""


def parse(raw: bytes, content_type: str) -> Any:
    """The JSON value of a body. An empty body is an object without fields."""
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    if not raw.strip():
        return {}
    kind = content_type.partition(";")[0].strip().casefold()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedType("The body must be JSON, with Content-Type: application/json.")
    text = _decoded(raw, content_type)
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        # Without the parser's own words: they quote the body.
        raise Malformed("The body is not valid JSON.") from None


def _decoded(raw: bytes, content_type: str) -> str:
    """The text of a JSON body, in UTF-8 or in the charset it says it has."""
    named = _CHARSET.search(content_type)
    charset = named[1].casefold() if named else "utf-8"
    if charset not in _CHARSETS:
        raise UnsupportedType(f"JSON is read in UTF-8 and windows-1251, not in {charset}: send UTF-8.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        if _CHARSETS[charset] == "utf-8":
            raise Malformed("The body is not valid UTF-8.") from None
        return raw.decode(_CHARSETS[charset], "replace")
    if _CHARSETS[charset] != "utf-8" and "\ufffd" in text:
        # API Gateway takes what is called application/json for UTF-8, and puts this sign for every letter.
        raise Malformed(
            f"The letters of the body were lost on the way: send it in UTF-8, or in {charset} with the "
            f"Content-Type {_BINARY_JSON}; charset={charset}."
        )
    return text


def validate(route: Route, value: Any) -> BaseModel:
    """The body as the route's model."""
    assert route.body is not None
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.", [Fault(loc=("body",), msg="not a JSON object")])
    for name, sentence in route.missing.items():
        if name not in value:
            raise Malformed(sentence)
    return _validated(route.body, value, "body")


def validate_form(route: Route, fields: Mapping[str, str]) -> BaseModel:
    """The fields of a form, without its file, as the route's model; a blank one was left out."""
    assert route.form is not None
    return _validated(route.form, {name: value for name, value in fields.items() if value.strip()}, "body")


def validate_query(route: Route, values: Mapping[str, str]) -> BaseModel:
    """The query as the route's model."""
    return _validated(route.query, dict(values), "query")


def check_path(values: Mapping[str, str]) -> None:
    """Ids in a path are short, and text."""
    for name, value in values.items():
        problem = _problem(value)
        if not problem and len(value.encode()) > _MAX_ID_BYTES:
            problem = f"longer than {_MAX_ID_BYTES} bytes"
        if problem:
            raise Invalid("The path is not valid.", [Fault(loc=("path", name), msg=problem)])


def _validated(model: type[BaseModel], value: dict[str, Any], where: str) -> BaseModel:
    known = {f.alias or name for name, f in model.model_fields.items()}
    faults = list(_unprintable({name: part for name, part in value.items() if name in known}, where))
    if not faults:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            faults = [
                Fault(loc=(where, *map(_short, fault["loc"])), msg=_worded(fault["msg"]))
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ]
    fields = sorted({str(fault.loc[1]) for fault in faults if len(fault.loc) > 1})
    named = f": {', '.join(fields[:10])}" if fields else ""
    raise Invalid(f"The {where} is not valid{named}.", faults[:100])


def _worded(msg: str) -> str:
    """What is wrong with a field. Of a text that has been checked before, pydantic counts "items"."""
    msg = msg.removeprefix("Value error, ")
    found = _TOO_LONG.fullmatch(msg)
    return f"String should have at most {found[1]} characters" if found else msg


def _unprintable(value: Any, where: str) -> Iterator[Fault]:
    """What no index, table or reader can hold: NUL, lone surrogates, numbers without end."""
    # A stack instead of recursion: the depth of a body is the sender's choice.
    stack: list[tuple[tuple[str | int, ...], Any]] = [((where,), value)]
    while stack:
        loc, part = stack.pop()
        if len(loc) > _MAX_DEPTH:
            yield Fault(loc=loc[:3], msg=f"nested deeper than {_MAX_DEPTH} levels")
        elif isinstance(part, str):
            if problem := _problem(part):
                yield Fault(loc=loc, msg=problem)
        elif isinstance(part, float) and not math.isfinite(part):
            yield Fault(loc=loc, msg="not a finite number")
        elif isinstance(part, dict):
            for name, inner in part.items():
                if problem := _problem(name):
                    yield Fault(loc=loc, msg=f"a name in it is wrong: {problem}")
                else:
                    stack.append(((*loc, _short(name)), inner))
        elif isinstance(part, list):
            stack += [((*loc, index), inner) for index, inner in enumerate(part)]


def _problem(text: str) -> str:
    if "\x00" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    return ""


def _short(part: str | int) -> str | int:
    return part if isinstance(part, int) else part[:100]


def _no_number(_: str) -> NoReturn:
    raise ValueError("not JSON")
