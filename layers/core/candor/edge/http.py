"""
HTTP: from an API Gateway event to a view and back.

For every route, in this order: trace id, credentials, access, limit, body, idempotency key, view.
What a view raises becomes the status of `candor.errors`; what nobody expected becomes a 500 without
a word about its cause.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Chalice, Response

from candor.accounts import Means, Principal
from candor.authentication import Credentials
from candor.edge import bodies
from candor.edge.gate import Gate
from candor.edge.observability import MetricUnit, logger, metrics
from candor.edge.routes import Route, exposed, methods_of, preflights_of, route_of
from candor.edge.streams import EventStream
from candor.edge.wire import Reply, Request, failure, text_of
from candor.errors import CandorError, Fault, Invalid
from candor.statistics.metering import Meter

__all__ = ["Api", "Call", "Reply", "View"]

_SANE_KEY = re.compile(r"[\x21-\x7e]{1,255}")

_NOT_KEPT = frozenset({401, 403, 409, 429})
"""Answers that would be others a moment later: the next request with the key tries again."""

_REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Admin-API-Key, X-External-User-Id, X-Trace-Id"
)
_SHOWN_HEADERS = "X-Trace-Id, Retry-After, Idempotency-Replayed"

_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request as a view gets it: admitted and validated."""

    route: Route
    principal: Principal
    trace_id: str
    body: Any = None
    """The route's `body` model, or None where it has none."""
    query: Any = None
    """The route's `query` model."""
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in small letters."""
    raw_body: bytes = b""
    file: bodies.File | None = None
    """What was uploaded, on a route with a `form`."""
    customer: str | None = None
    """`X-External-User-Id`: for whom an integration's key speaks. Never a credential."""
    base: str = ""
    """What stands before our paths in links: nothing, or `/stage`."""


View = Callable[[Call], object]
"""Returns a model, something JSON can hold, or a `Reply`."""

StreamView = Callable[[Call, EventStream], Sequence[tuple[str, object]]]
"""Sends events while it works. Returns those, type and data, by which the same request is answered again."""

_Perform = Callable[[Gate, Call, object], Reply]
"""Does what an admitted call asks for; its body also as it was before it was validated."""

_current: ContextVar[Request] = ContextVar("request")
"""Chalice keeps the current request on the app, where two threads would share it."""


class Api:
    """
    The HTTP side of one function: a Chalice app whose routes stand in the table of routes.

    `gate` is asked at every request, so that a test which replaces the function's `service` replaces
    everything. A function with uploads brings the `form_reader`, whose library the others do without; one
    that streams says after how many seconds of silence its heart beats.
    """

    def __init__(
        self,
        function: str,
        *,
        gate: Callable[[], Gate],
        form_reader: bodies.FormReader | None = None,
        beat_seconds: Callable[[], float] = lambda: 15.0,
    ) -> None:
        self.function = function
        self._gate = gate
        self._form_reader = form_reader
        self._beat_seconds = beat_seconds
        # An environment of its own: Chalice writes its name into the one it is given.
        self._chalice = Chalice(app_name=function, configure_logs=False, env={})
        for path in preflights_of(function):
            self._register("OPTIONS", path, self._preflight)

    @property
    def routes(self) -> Mapping[str, frozenset[str]]:
        """Everything registered, preflights included: the methods of each path."""
        return {path: frozenset(methods) for path, methods in self._chalice.routes.items()}

    def view(self, method: str, path: str) -> Callable[[View], View]:
        """Bind a view to its row of the table. `LookupError` where the table does not name this function."""
        route = self._row(method, path)

        def bind(view: View) -> View:
            def perform(gate: Gate, call: Call, value: object) -> Reply:
                key = _key_of(call)
                return self._once(gate, call, key, value, view) if key else _seen(call, view)

            self._register(method, path, lambda request: self._answer(route, perform, request))
            return view

        return bind

    def stream(self, method: str, path: str) -> Callable[[StreamView], StreamView]:
        """The same for a view that answers with a stream of events."""
        route = self._row(method, path)

        def bind(view: StreamView) -> StreamView:
            def perform(gate: Gate, call: Call, value: object) -> Reply:
                return self._streamed(gate, call, value, view)

            self._register(method, path, lambda request: self._answer(route, perform, request))
            return view

        return bind

    def _row(self, method: str, path: str) -> Route:
        route = route_of(method, path)
        if (method, path) not in exposed(self.function):
            raise LookupError(f"{method} {path} belongs to {route.function}, not to {self.function}")
        return route

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer one REST API proxy event."""
        request = Request(event)
        logger.append_keys(trace_id=request.trace_id)
        methods = self._chalice.routes.get(request.resource, {})
        if request.method in methods:
            token = _current.set(request)
            try:
                answer = dict(self._chalice(request.event, context))
                return answer if request.stream is None else answer | {"body": request.stream}
            finally:
                _current.reset(token)
                self._counted()
        if methods:
            sentence = "This path does not answer that method."
            reply = Reply(
                status=405, body={"detail": sentence}, headers={"Allow": ", ".join(sorted(methods))}
            )
        else:
            reply = Reply(status=404, body={"detail": "There is nothing at this path."})
        refused = dict(self._finish(request, reply, None).to_dict())
        self._counted()
        return refused

    def _register(self, method: str, path: str, answer: Callable[[Request], Response]) -> None:
        def chalice_view(**_: str) -> Response:
            return answer(_current.get())

        # No content types: Chalice's own 415 is not in our shape.
        self._chalice.route(path, methods=[method], name=f"{method} {path}", content_types=[])(chalice_view)

    def _preflight(self, request: Request) -> Response:
        methods = ", ".join((*methods_of(request.resource), "OPTIONS"))
        headers = {"Allow": methods}
        if self._origin(request):
            headers |= {
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers": _REQUEST_HEADERS,
                "Access-Control-Max-Age": "600",
            }
        return self._finish(request, Reply(status=204, headers=headers), None)

    def _answer(self, route: Route, perform: _Perform, request: Request) -> Response:
        principal: Principal | None = None
        try:
            gate = self._gate()
            customer = request.customer
            credentials = Credentials.of(request.headers)
            principal = gate.admit(route, credentials, client=request.client, customer=customer)
            bodies.check_path(request.path)
            raw = request.body
            content_type = request.headers.get("content-type", "")
            value = bodies.parse(raw, content_type) if route.body else None
            form = self._form_reader(raw, content_type) if route.form and self._form_reader else None
            if form is not None:
                value = form.value()
            call = Call(
                route=route,
                principal=principal,
                trace_id=request.trace_id,
                body=_body(route, value, form),
                query=bodies.validate_query(route, request.query),
                path=request.path,
                headers=request.headers,
                raw_body=raw,
                file=form.file if form else None,
                customer=customer,
                base=request.base,
            )
            reply = perform(gate, call, value)
        except Exception as error:  # noqa: BLE001 - the outermost border: everything becomes an answer here
            reply = _failed(route, error)
        return self._finish(request, reply, principal)

    def _once(self, gate: Gate, call: Call, key: str, value: object, view: View) -> Reply:
        def run() -> tuple[bytes, bool]:
            try:
                reply = _seen(call, view)
            except CandorError as error:
                reply = _failed(call.route, error)
            kept = json.dumps([reply.status, text_of(reply.body), dict(reply.headers)]).encode()
            return kept, reply.status < 500 and reply.status not in _NOT_KEPT

        kept, old = _executed(gate, call, key, value, run)
        status, text, headers = json.loads(kept)
        return Reply(
            status=status, body=text, headers=headers | ({"Idempotency-Replayed": "true"} if old else {})
        )

    def _streamed(self, gate: Gate, call: Call, value: object, view: StreamView) -> Reply:
        key = _key_of(call)

        def work(stream: EventStream) -> None:
            def run() -> tuple[bytes, bool]:
                return text_of(view(call, stream)).encode(), True

            if not key:
                view(call, stream)
                return
            kept, stream.replayed = _executed(gate, call, key, value, run)
            if stream.replayed:
                for kind, data in json.loads(kept):
                    stream.send(kind, data)

        stream = EventStream(
            work, failed=lambda error: _failed(call.route, error), beat_seconds=self._beat_seconds()
        )
        reply = stream.reply()
        again = {"Idempotency-Replayed": "true"} if stream.replayed else {}
        return Reply(status=reply.status, body=stream, headers={**reply.headers, **again})

    def _finish(self, request: Request, reply: Reply, principal: Principal | None) -> Response:
        request.stream = reply.body if isinstance(reply.body, EventStream) else None
        text = "" if request.stream is not None else text_of(reply.body)
        headers = {"X-Trace-Id": request.trace_id, **_HEADERS}
        if text:
            headers["Content-Type"] = "application/json"
        if origin := self._origin(request):
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Expose-Headers": _SHOWN_HEADERS,
                "Vary": "Origin",
            }
        took = round((time.perf_counter() - request.started) * 1000, 1)
        keys: dict[str, object] = {
            "method": request.method,
            "route": request.resource,
            "status": reply.status,
        }
        if principal is not None and principal.means is not Means.NOTHING:
            keys["principal"] = principal.principal_id
        # One line for each request at least, also because the local cloud answers silent functions late.
        logger.info("answered", extra={**keys, "ms": took})
        metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=took)
        if reply.status >= 500:
            metrics.add_metric(name="ServerErrors", unit=MetricUnit.Count, value=1)
        if (meter := self._meter()) is not None:
            # Whatever path somebody has thought up is one route: nobody may fill the statistics with names.
            known = request.resource in self._chalice.routes
            meter.request(
                function=self.function,
                method=request.method if known else "other",
                route=request.resource if known else "unknown",
                status=reply.status,
                milliseconds=took,
            )
        return Response(body=text, status_code=reply.status, headers=headers | dict(reply.headers))

    def _counted(self) -> None:
        """What was counted during the request is written with it, or with a later one."""
        if (meter := self._meter()) is not None:
            meter.end()

    def _meter(self) -> Meter | None:
        try:
            return self._gate().meter
        except Exception:  # noqa: BLE001 - the gate itself is what failed, and that has been answered
            return None

    def _origin(self, request: Request) -> str | None:
        origin = request.headers.get("origin", "")
        try:
            return self._gate().allowed_origin(origin) if origin else None
        except Exception:  # noqa: BLE001 - the gate itself is what failed, and that is being answered
            return None


def _key_of(call: Call) -> str:
    return call.headers.get("idempotency-key", "") if call.route.creates else ""


def _executed(
    gate: Gate, call: Call, key: str, value: object, run: Callable[[], tuple[bytes, bool]]
) -> tuple[bytes, bool]:
    """What `run` gives under this idempotency key, and whether it was given before."""
    if not _SANE_KEY.fullmatch(key):
        fault = Fault(loc=("header", "Idempotency-Key"), msg="1 to 255 visible ASCII characters")
        raise Invalid("The Idempotency-Key is not valid.", [fault])
    # The same value is the same body, whatever its blanks and the order of its fields.
    read = call.route.body or call.route.form
    body = json.dumps(value, sort_keys=True).encode() if read else call.raw_body
    asked = json.dumps([sorted(call.path.items()), call.query.model_dump(mode="json")], sort_keys=True)
    fingerprint = hashlib.sha256(asked.encode() + b"\n" + body).hexdigest()
    who = f"{call.principal.principal_id}\n{call.customer or ''}"
    return gate.once(key, f"{who}\n{call.route.method} {call.route.path}", fingerprint, run)


def _body(route: Route, value: object, form: bodies.Form | None) -> object:
    if form is not None:
        return bodies.validate_form(route, form.fields)
    return bodies.validate(route, value) if route.body else None


def _seen(call: Call, view: View) -> Reply:
    result = view(call)
    return result if isinstance(result, Reply) else Reply(status=call.route.status, body=result)


def _failed(route: Route, error: Exception) -> Reply:
    return failure(error, route=f"{route.method} {route.path}", says_error=route.says_error)
