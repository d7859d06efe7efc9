"""
Front: the API as a client on AWS would see it, on one port of this machine.

It does what API Gateway does and the embedded one does not: refusals in JSON, 404 and 405, size limits,
preflights, streamed responses. And it queues: AWS would start a thousand workers, a laptop must not.
"""

import asyncio
import contextlib
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from infra.local import refusals
from infra.local.api import OWN_AGENT
from infra.local.console import Console
from infra.local.deploy import Deployed
from infra.local.exchange import Exchange, disconnected, header, refuse_socket
from infra.local.gateway import Answer, Gateway, Headers, end_to_end
from infra.local.pages import PREFIX, Pages
from infra.local.routing import Routes, as_sent
from infra.local.serving import Receive, Scope, Send, answer_lifespan, read_body
from infra.local.streaming import StreamFailed, Streams
from infra.template import Route

SEARCHING_AT_ONCE = 3
"""Each searching worker holds the index; on two cores three answer more questions a second than twelve."""
OTHERS_AT_ONCE = 12
STREAMS_AT_ONCE = 6
"""Of their own: they search for a moment and then wait for a model, some for a minute."""

_GATEWAY_BYTES = 10 * 1024 * 1024
_FUNCTION_BYTES = 6 * 1024 * 1024
"""What API Gateway takes, and what Lambda takes and gives. Neither is enforced by the embedded AWS."""

_STREAM_HEADER = b"x-local-stream"

_SANE_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")
"""A trace id the functions take as it is; any other they replace, and so does the front."""


class Front:
    def __init__(
        self,
        gateway: Gateway,
        console: Console,
        *,
        pages: Pages,
        streams: Streams,
        stream_path: str,
        origins: str,
    ) -> None:
        """`stream_path`: where the embedded AWS hands over events of `streams`; a name follows."""
        self._gateway = gateway
        self._console = console
        self._pages = pages
        self._streams = streams
        self._stream_path = stream_path
        self._origins = [origin.strip() for origin in origins.split(",") if origin.strip()]
        self._routes = Routes(())
        self._searching: frozenset[str] = frozenset()
        self._deployed: Deployed | None = None
        self._searches = asyncio.Semaphore(SEARCHING_AT_ONCE)
        self._others = asyncio.Semaphore(OTHERS_AT_ONCE)
        self._streaming = asyncio.Semaphore(STREAMS_AT_ONCE)
        self._waiting: dict[str, asyncio.Future[tuple[str, Any]]] = {}
        self.answered = asyncio.Event()
        """Set once a function has answered anybody."""

    def serve(self, deployed: Deployed) -> None:
        """From the next request on, this stack."""
        self._deployed = deployed
        self._routes = Routes(deployed.template.routes)
        self._searching = frozenset(
            function.name for function in deployed.template.functions if function.searches
        )

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await answer_lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            await refuse_socket(send)
        if scope["type"] != "http":
            return
        if self._is_event(scope):
            await self._take_event(scope, receive, send)
            return
        if b"%" in scope["raw_path"]:
            scope = {**scope, "path": as_sent(scope["raw_path"])}
        started = time.monotonic()
        given = header(scope["headers"], b"x-trace-id").strip()
        trace_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        call = Exchange(scope, receive, send, trace_id=trace_id, cors=self._cors(scope))
        function = ""
        try:
            function = await self._handle(call)
        except ConnectionError:
            call.status = call.status or 499
        except Exception as error:  # noqa: BLE001 - the last stop before the client: nothing may leave as HTML.
            self._console.log(f"  front: {type(error).__name__}: {error}")
            await call.refuse(500, "Something failed on our side.")
        if (
            scope["method"] == "GET"
            and call.status < 400
            and header(scope["headers"], b"user-agent") == OWN_AGENT
        ):
            return
        path = quote(scope["path"], safe="/:{}+@!$&'()*,;=~-._")
        self._console.request(
            scope["method"], path, call.status, (time.monotonic() - started) * 1000, function
        )
        return

    async def _handle(self, call: Exchange) -> str:
        """Answer, and return the name of the function that did."""
        path, method = call.scope["path"], call.scope["method"]
        if self._pages.wants(path) and method in ("GET", "HEAD"):
            page = self._pages.get(path)
            await call.send_whole(
                page.status, [(k.encode(), v.encode()) for k, v in page.headers.items()], page.body
            )
            return ""
        if self._deployed is None:
            await call.refuse(503, "The stack is still being deployed.", retry_after=1)
            return ""
        match = self._routes.match(method, path)
        if match.route is None:
            await self._refuse_route(call, match.methods)
            return ""
        await self._invoke(call, match.route)
        return match.route.function

    async def _refuse_route(self, call: Exchange, methods: tuple[str, ...]) -> None:
        path = call.scope["path"]
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            await call.refuse(404, "The admin console is not built: run `make console`, it needs Node.")
        elif not methods:
            await call.refuse(404, "There is no such route.")
        elif call.scope["method"] == "OPTIONS":
            allowed = (b"access-control-allow-methods", ", ".join(methods).encode())
            wanted = header(call.scope["headers"], b"access-control-request-headers")
            asked = [(b"access-control-allow-headers", wanted.encode())] if wanted else []
            await call.send_whole(204, [allowed, *asked, (b"access-control-max-age", b"600")], b"")
        else:
            allow = ", ".join(methods)
            await call.refuse(405, f"This route takes {allow}.", headers=[(b"allow", allow.encode())])

    async def _invoke(self, call: Exchange, route: Route) -> None:
        body = await read_body(call.receive, limit=_GATEWAY_BYTES)
        if body is None:
            await call.refuse(413, "The request is larger than 10 MB.")
            return
        if refusals.size_as_event(body, header(call.scope["headers"], b"content-type")) > _FUNCTION_BYTES:
            await call.refuse(413, "The request is larger than the 6 MB a function takes.")
            return
        gate = self._searches if route.function in self._searching else self._others
        async with self._turn(call, self._streaming if route.streams else gate):
            if route.streams:
                await self._stream(call, body)
            else:
                await self._answer(call, await self._pass_on(call, body, []))
        self.answered.set()

    @contextlib.asynccontextmanager
    async def _turn(self, call: Exchange, gate: asyncio.Semaphore) -> AsyncIterator[None]:
        """Wait for one's turn, as long as the client does. Raises `ConnectionError` when it has left."""
        if gate.locked():
            turn = asyncio.ensure_future(gate.acquire())
            gone = asyncio.ensure_future(disconnected(call.receive))
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if not turn.done():
                turn.cancel()
                raise ConnectionError("the client left the queue")
        else:
            await gate.acquire()
        try:
            yield
        finally:
            gate.release()

    async def _pass_on(self, call: Exchange, body: bytes, extra: Headers) -> Answer:
        deployed = self._deployed
        assert deployed is not None
        if header(call.scope["headers"], b"x-trace-id").strip() != call.trace_id:
            # The function's log and the answer then speak of the same id.
            extra = [*extra, (b"x-trace-id", call.trace_id.encode())]
        try:
            return await self._gateway.call(
                call.scope, body, api=deployed.api_id, stage=deployed.stage, extra=extra
            )
        except OSError as error:
            self._console.log(f"  front: the AWS endpoint does not answer: {error}")
            return Answer(status=503, headers=[], body=b"")

    async def _answer(self, call: Exchange, answer: Answer) -> None:
        if len(answer.body) > _FUNCTION_BYTES:
            await call.refuse(500, "The answer is larger than the 6 MB a function may give.")
            return
        refusal = refusals.of(answer)
        if refusal is not None:
            await call.refuse(refusal.status, refusal.detail, retry_after=refusal.retry_after)
            return
        await call.send_whole(answer.status, end_to_end(answer.headers), answer.body)

    # Streaming: the request goes out by the gateway, the event comes back to us, the response never leaves
    # this process.

    async def _stream(self, call: Exchange, body: bytes) -> None:
        token = uuid.uuid4().hex
        event_here = self._waiting[token] = asyncio.get_running_loop().create_future()
        passed_on = asyncio.ensure_future(self._pass_on(call, body, [(_STREAM_HEADER, token.encode())]))
        try:
            await asyncio.wait({event_here, passed_on}, return_when=asyncio.FIRST_COMPLETED)
            if event_here.done():
                name, event = event_here.result()
                await self._send_stream(call, name, event)
                await passed_on
            else:
                # Refused on the way, or an endpoint that runs the function itself.
                await self._answer(call, passed_on.result())
        finally:
            del self._waiting[token]

    async def _send_stream(self, call: Exchange, name: str, event: Any) -> None:
        gone = asyncio.ensure_future(disconnected(call.receive))
        parts = self._streams.run(name, event)
        try:
            while (part := await _next(parts, gone)) is not None:
                if isinstance(part, dict):
                    await call.begin(int(part.get("statusCode", 200)), _prelude_headers(part))
                else:
                    await call.send({"type": "http.response.body", "body": part, "more_body": True})
            await call.send({"type": "http.response.body", "body": b"", "more_body": False})
        except StreamFailed as error:
            self._console.log(f"  {name}: FAILED: {error}")
            if call.status:
                raise ConnectionError("the stream broke off") from error
            await call.refuse(500, "Something failed on our side.")
        finally:
            gone.cancel()
            await parts.aclose()  # type: ignore[attr-defined]

    def _is_event(self, scope: Scope) -> bool:
        """Whether the embedded AWS may be sending this: from this machine, for a function that streams."""
        path, client = scope["path"], scope.get("client")
        own = self._stream_path
        named = path.startswith(own) and path.removeprefix(own) in self._streams
        return named and client is not None and str(client[0]).startswith("127.")

    async def _take_event(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The embedded AWS hands over an invocation of a streaming function."""
        name = scope["path"].removeprefix(self._stream_path)
        try:
            event = json.loads(await read_body(receive, limit=_GATEWAY_BYTES) or b"{}")
        except ValueError:
            event = {}
        headers = event.get("headers") if isinstance(event, dict) else None
        token = next((v for k, v in (headers or {}).items() if k.lower().encode() == _STREAM_HEADER), "")
        waiting = self._waiting.get(token)
        if waiting is not None and not waiting.done():
            waiting.set_result((name, event))
            result: Any = {"statusCode": 200, "body": ""}
        else:
            result = await self._run_whole(name, event)
        body = json.dumps(result).encode()
        status = 200 if "errorMessage" not in result else 500
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _run_whole(self, name: str, event: Any) -> Mapping[str, Any]:
        """Invoked without a client that waits: by hand, or from a queue."""
        prelude: dict[str, Any] = {}
        parts: list[bytes] = []
        try:
            async for part in self._streams.run(name, event):
                if isinstance(part, dict):
                    prelude = part
                else:
                    parts.append(part)
        except (StreamFailed, KeyError) as error:
            return {"errorMessage": str(error), "errorType": type(error).__name__}
        return {**prelude, "body": b"".join(parts).decode(errors="replace")}

    def _cors(self, scope: Scope) -> Headers:
        origin = header(scope["headers"], b"origin")
        if not origin or not ("*" in self._origins or origin in self._origins):
            return []
        return [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]


async def _next(
    parts: AsyncIterator[dict[str, Any] | bytes], gone: "asyncio.Future[None]"
) -> dict[str, Any] | bytes | None:
    """The next part; None at the end. Raises `ConnectionError` as soon as the client has gone."""
    part: asyncio.Future[Any] = asyncio.ensure_future(anext(parts))
    either: set[asyncio.Future[Any]] = {part, gone}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not part.done():
        part.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await part
        raise ConnectionError("the client left in the middle")
    with contextlib.suppress(StopAsyncIteration):
        found: dict[str, Any] | bytes = part.result()
        return found
    return None


def _prelude_headers(prelude: Mapping[str, Any]) -> Headers:
    pairs = (prelude.get("headers") or {}).items()
    return [(str(name).lower().encode(), str(value).encode("latin-1", "replace")) for name, value in pairs]
