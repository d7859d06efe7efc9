"""Gateway: a deployed REST API, called in this process or at another endpoint."""

import asyncio
import http.client
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from infra.local.serving import Application, Message, Scope

Headers = list[tuple[bytes, bytes]]
_OF_ONE_CONNECTION = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"transfer-encoding",
        b"te",
        b"trailer",
        b"upgrade",
        b"content-length",
        b"host",
    )
)
_FUNCTION_SECONDS = 905
"""Longer than any function may run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes


class Gateway(Protocol):
    async def call(self, scope: Scope, body: bytes, *, api: str, stage: str, extra: Headers) -> Answer:
        """Pass a request on to that API's stage. Raises `OSError` when nothing answers."""
        ...


class InProcess:
    """The embedded AWS's own application: no second connection, no second copy of the body."""

    def __init__(self, application: Application, *, port: int) -> None:
        self._application = application
        self._port = port

    async def call(self, scope: Scope, body: bytes, *, api: str, stage: str, extra: Headers) -> Answer:
        prefix = f"/_aws/execute-api/{api}/{stage}"
        inner = {
            **scope,
            "path": prefix + scope["path"],
            "raw_path": prefix.encode() + scope["raw_path"],
            # A credential of the API is no signature of AWS, but both are called Authorization: the path
            # decides.
            "headers": [*scope["headers"], *extra],
            "server": ("127.0.0.1", self._port),
        }
        status, headers, parts = 500, [], []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._application(inner, receive, send)
        return Answer(status=status, headers=headers, body=b"".join(parts))


class Remote:
    """Whatever answers at an endpoint, LocalStack for one."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = urlsplit(endpoint)

    async def call(self, scope: Scope, body: bytes, *, api: str, stage: str, extra: Headers) -> Answer:
        target = f"/_aws/execute-api/{api}/{stage}{scope['raw_path'].decode()}"
        if scope["query_string"]:
            target += f"?{scope['query_string'].decode()}"
        headers = [*(pair for pair in scope["headers"] if pair[0] not in _OF_ONE_CONNECTION), *extra]
        return await asyncio.to_thread(self._call, scope["method"], target, headers, body)

    def _call(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        kind = http.client.HTTPSConnection if self._endpoint.scheme == "https" else http.client.HTTPConnection
        connection = kind(
            self._endpoint.hostname or "127.0.0.1", self._endpoint.port, timeout=_FUNCTION_SECONDS
        )
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name.decode(), value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            kept = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.getheaders()]
            return Answer(status=response.status, headers=kept, body=response.read())
        finally:
            connection.close()


def end_to_end(headers: Headers) -> Headers:
    """Without what belonged to the connection it came over."""
    return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION]
