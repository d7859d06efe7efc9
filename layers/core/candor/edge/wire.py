"""Wire: a proxy event read, and a reply written."""

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from candor.edge.observability import log_failure, logger
from candor.errors import (
    CandorError,
    Conflict,
    Fault,
    Invalid,
    Malformed,
    NotFound,
    Refused,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
    UpstreamFailed,
)

STATUS: Mapping[type[CandorError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    UnsupportedType: 415,
    Invalid: 422,
    TooMany: 429,
    UpstreamFailed: 502,
    Unavailable: 503,
}

MAX_CUSTOMER = 128

_SANE_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")


class Request:
    """
    A REST API proxy event, read with whatever may be missing in one that was written by hand.

    `headers` have names in small letters; of a query name given twice the last value counts.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        context = event.get("requestContext") or {}
        self.started = time.perf_counter()
        self.method: str = context.get("httpMethod") or event.get("httpMethod") or ""
        self.resource: str = context.get("resourcePath") or event.get("resource") or event.get("path") or ""
        given = event.get("pathParameters") or {}
        self.path = {name: str(given.get(name, "")) for name in re.findall(r"{(\w+)}", self.resource)}
        headers = event.get("headers") or {}
        self.headers = {
            str(name).casefold(): str(value) for name, value in headers.items() if value is not None
        }
        many = event.get("multiValueQueryStringParameters") or {}
        last = {name: values[-1] for name, values in many.items() if values}
        self.query: dict[str, str] = {**(event.get("queryStringParameters") or {}), **last}
        trace_id = self.headers.get("x-trace-id", "").strip()
        self.trace_id = trace_id if _SANE_ID.fullmatch(trace_id) else uuid.uuid4().hex
        # The address of the connection as API Gateway saw it; X-Forwarded-For is whatever a client writes.
        self.client = str((context.get("identity") or {}).get("sourceIp") or "")
        self._body = event.get("body")
        self._encoded = bool(event.get("isBase64Encoded"))
        self.stream: Iterable[bytes] | None = None
        """What it is answered with where that is still being made."""
        self.event: dict[str, Any] = {
            "stageVariables": None,
            "multiValueQueryStringParameters": None,
            "body": None,
            **event,
            "headers": headers,
            "pathParameters": self.path,
            "requestContext": {**context, "httpMethod": self.method, "resourcePath": self.resource},
        }
        """The event again, with everything Chalice insists on."""

    @property
    def body(self) -> bytes:
        """The bytes that were sent. `Malformed` when they cannot be decoded."""
        if self._body is None:
            return b""
        if not self._encoded:
            return str(self._body).encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(self._body, validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("The body is not valid base64.") from None

    @property
    def base(self) -> str:
        """What stands before every path of ours in the caller's address bar: nothing, or `/stage`."""
        # Only API Gateway's own address has the stage in it; a domain of one's own maps it away.
        host = self.headers.get("host", "")
        stage = self.event["requestContext"].get("stage")
        return f"/{stage}" if stage and ".execute-api." in host else ""

    @property
    def customer(self) -> str | None:
        """`X-External-User-Id`; `Invalid` when it is no name."""
        return customer_of(self.headers.get("x-external-user-id", ""), loc=("header", "X-External-User-Id"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer other than the route's status with a JSON body. A string is sent as it is."""

    status: int = 200
    body: object = None
    """A model, something JSON can hold, text, or None for no body."""
    headers: Mapping[str, str] = field(default_factory=dict)


def customer_of(text: str, *, loc: tuple[str, str]) -> str | None:
    """What an integration calls its customer, the same wherever it stands; `Invalid` when it is no name."""
    name = text.strip()
    if len(name) > MAX_CUSTOMER or not name.isprintable():
        fault = Fault(loc=loc, msg=f"at most {MAX_CUSTOMER} printable characters")
        raise Invalid(f"The {loc[1]} is not valid.", [fault])
    return name or None


def failure(error: Exception, *, route: str, says_error: bool = False) -> Reply:
    """The reply to an error: its sentence if it is one of ours, and nothing about its cause if it is not."""
    status = STATUS.get(type(error), 500) if isinstance(error, CandorError) else 500
    if status == 500:
        log_failure("crashed", error, route=route)
    elif status >= 502:
        logger.warning("unavailable", extra={"reason": type(error).__name__, "sentence": str(error)[:300]})
    sentence = str(error) if status != 500 else "Something went wrong. The trace id finds it in the logs."
    body: dict[str, object] = {"detail": sentence}
    if says_error:
        body["error"] = sentence
    if isinstance(error, Invalid) and error.faults:
        body["errors"] = [{"loc": list(fault.loc), "msg": fault.msg} for fault in error.faults]
    headers: dict[str, str] = {}
    if (wait := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(wait)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Reply(status=status, body=body, headers=headers)


def text_of(body: object) -> str:
    """What goes over the wire."""
    if body is None:
        return ""
    if isinstance(body, str):
        return body
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_plain)
    try:
        text.encode()
    except UnicodeEncodeError:  # Half a surrogate pair from an old row: escaped it is at least JSON.
        text = json.dumps(body, separators=(",", ":"), default=_plain)
    return text


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be answered as JSON")
