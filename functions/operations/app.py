"""Operations: whether it works, and how it is used."""

from dataclasses import dataclass
from functools import cache

from candor import VERSION, wiring
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models.operations import ChecksReply, HealthReply, ShortHealthReply
from candor.edge.observability import observed
from candor.edge.openapi import described
from candor.edge.reference import landing_page, reference_page
from candor.errors import NotFound
from candor.health import OK, Health


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    health: Health
    app_name: str
    docs_enabled: bool


@cache
def service() -> Service:
    app = wiring.app()
    return Service(
        gate=wiring.gate(), health=wiring.health(), app_name=app.app_name, docs_enabled=app.docs_enabled
    )


api = Api("operations", gate=lambda: service().gate)

_PAGE = {
    "Content-Type": "text/html; charset=utf-8",
    # The page holds everything it needs; nothing else may be loaded into it.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
}


@api.view("GET", "/v1/health")
def health(call: Call) -> HealthReply:
    checks = service().health.report()
    healthy = all(found == OK for found in checks.values())
    return HealthReply(
        status="healthy" if healthy else "degraded", version=VERSION, checks=ChecksReply(**checks)
    )


@api.view("GET", "/health")
def short_health(call: Call) -> ShortHealthReply:
    checks = service().health.report()
    return ShortHealthReply(
        status="ok" if all(found == OK for found in checks.values()) else "degraded",
        service=f"{service().app_name} API",
    )


@api.view("GET", "/openapi.json")
def openapi(call: Call) -> dict[str, object]:
    _only_with_docs()
    return described(service().app_name, base=call.base or "/")


@api.view("GET", "/docs")
@api.view("GET", "/redoc")
def reference(call: Call) -> Reply:
    _only_with_docs()
    document = described(service().app_name, base=call.base or "/")
    return Reply(body=reference_page(document, base=call.base), headers=_PAGE)


@api.view("GET", "/")
def landing(call: Call) -> Reply:
    page = landing_page(service().app_name, base=call.base, docs=service().docs_enabled)
    return Reply(body=page, headers=_PAGE)


def _only_with_docs() -> None:
    if not service().docs_enabled:
        raise NotFound("The reference is switched off.")


handler = observed(api, build=service)
