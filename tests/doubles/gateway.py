"""A client that speaks to a handler as API Gateway does: real proxy events in, real answers out."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from candor.edge.routes import ROUTES

Handler = Callable[[dict[str, Any], Any], Any]


class Context:
    """What Lambda hands to a handler beside the event."""

    function_name = "function"
    function_version = "1"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Http:
    """`Http(app.handler).post("/v1/documents", {"url": …})`."""

    handler: Handler
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "203.0.113.9"

    def as_(self, **headers: str) -> "Http":
        """The same client with more headers; underscores stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Http(self.handler, {**self.headers, **named}, self.address)

    def at(self, address: str) -> "Http":
        return Http(self.handler, self.headers, address)

    def get(self, path: str, **more: Any) -> Answered:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Answered:
        return self.send("POST", path, body=body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> Answered:
        return self.send("PATCH", path, body=body, **more)

    def delete(self, path: str, **more: Any) -> Answered:
        return self.send("DELETE", path, **more)

    def options(self, path: str, **more: Any) -> Answered:
        return self.send("OPTIONS", path, **more)

    def send(self, method: str, path: str, *, body: Any = None, **more: Any) -> Answered:
        event = proxy_event(method, path, body=body, headers=self.headers, address=self.address, **more)
        return answered(self.handler(event, Context()))


def answered(result: Mapping[str, Any]) -> Answered:
    headers = {name.lower(): value for name, value in result["headers"].items()}
    headers |= {name.lower(): values[-1] for name, values in result.get("multiValueHeaders", {}).items()}
    # Lambda itself encodes the result like this; what cannot be is a 502 there.
    json.dumps(result, ensure_ascii=False).encode()
    return Answered(status=result["statusCode"], headers=headers, text=result["body"])


def proxy_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    raw: str | None = None,
    encoded: bool = False,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    address: str = "203.0.113.9",
) -> dict[str, Any]:
    """A REST API proxy event, as API Gateway makes one. `body` becomes JSON, `raw` goes as it is."""
    resource, parameters = _resource(path)
    text = raw if raw is not None else None if body is None else json.dumps(body)
    sent = dict(headers or {})
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
        if query
        else None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": address, "userAgent": "test"},
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


def wire_event(path: Path) -> dict[str, Any]:
    """An event of the `events/` folder."""
    event: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return event


def _resource(path: str) -> tuple[str, dict[str, str]]:
    """The route a path belongs to, literal ones first, as API Gateway prefers them."""
    for route in sorted(ROUTES, key=lambda route: route.path.count("{")):
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route.path))
        if match := re.fullmatch(pattern, path):
            return route.path, match.groupdict()
    return path, {}
