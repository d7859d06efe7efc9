"""Exchange: one request on its way through the front, and what its client has been told so far."""

import json
import uuid
from collections.abc import Sequence

from infra.local.gateway import Headers
from infra.local.serving import Message, Receive, Scope, Send


class Exchange:
    """A request and its response. `status` is 0 until the response has begun."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, trace_id: str, cors: Headers) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.trace_id = trace_id
        self.status = 0
        self._cors = cors

    async def begin(self, status: int, headers: Headers) -> None:
        named = {name.lower() for name, _ in headers}
        ours: Headers = [(b"x-trace-id", self.trace_id.encode()), *self._cors]
        self.status = status
        added = [(name, value) for name, value in ours if name not in named]
        message: Message = {"type": "http.response.start", "status": status, "headers": [*headers, *added]}
        await self.send(message)

    async def send_whole(self, status: int, headers: Headers, body: bytes) -> None:
        if self.status:
            return
        length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
        await self.begin(status, [*headers, *length])
        if self.scope["method"] == "HEAD":
            body = b""
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(
        self,
        status: int,
        detail: str,
        *,
        retry_after: int | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Say no in the API's own form."""
        said = {"detail": detail}
        if self.scope["path"] == "/api/v1/query":
            said["error"] = detail
        after = [(b"retry-after", b"%d" % retry_after)] if retry_after is not None else []
        body = json.dumps(said).encode()
        await self.send_whole(status, [(b"content-type", b"application/json"), *headers, *after], body)


async def refuse_socket(send: Send) -> None:
    """No route of ours is a WebSocket; left unanswered it would be a 500."""
    body = json.dumps({"detail": "There is no such route."}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-trace-id", uuid.uuid4().hex.encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


async def disconnected(receive: Receive) -> None:
    """Return once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def header(headers: Headers, name: bytes) -> str:
    """A header's first value; an empty text without one."""
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")
