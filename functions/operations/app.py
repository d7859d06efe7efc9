"""Operations: whether it works, and how it is used."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from candor import VERSION, wiring
from candor.alerts import Alerts
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models.configuration import AlertReply
from candor.edge.models.operations import (
    ChecksReply,
    HealthReply,
    ShortHealthReply,
    StatsQuery,
    StatsReply,
)
from candor.edge.observability import observed
from candor.edge.openapi import described
from candor.edge.reference import landing_page, reference_page
from candor.edge.routes import ROUTES
from candor.errors import NotFound
from candor.health import OK, Health
from candor.statistics.dashboard import look
from candor.statistics.prometheus import MEDIA_TYPE
from candor.statistics.scraping import Scraping


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    health: Health
    app_name: Callable[[], str]
    """As it is in force."""
    docs_enabled: bool
    scraping: Scraping
    alerts: Alerts
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@cache
def service() -> Service:
    app = wiring.app()
    return Service(
        gate=wiring.gate(),
        health=wiring.health(),
        app_name=wiring.app_name,
        docs_enabled=app.docs_enabled,
        scraping=Scraping(
            statistics=wiring.statistics(),
            queues=wiring.depths(),
            given_up=wiring.given_up(),
            jobs=wiring.jobs(),
            spending=wiring.budget(),
            alerts=wiring.alerts(),
            topics=sorted({route.function for route in ROUTES}),
        ),
        alerts=wiring.alerts(),
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
        service=f"{service().app_name()} API",
    )


@api.view("GET", "/v1/metrics")
def scrape(call: Call) -> Reply:
    return Reply(body=service().scraping.page(), headers={"Content-Type": MEDIA_TYPE})


@api.view("GET", "/v1/dashboard/stats")
def stats(call: Call) -> StatsReply:
    query: StatsQuery = call.query
    dashboard = look(service().scraping.statistics, query.window, now=service().clock())
    # What is wrong, and where, is nothing for everybody who may ask a question.
    shown = [AlertReply.of(alert) for alert in service().alerts.list()] if call.principal.is_admin else None
    return StatsReply.of(dashboard, shown)


@api.view("GET", "/openapi.json")
def openapi(call: Call) -> dict[str, object]:
    _only_with_docs()
    return described(service().app_name(), base=call.base or "/")


@api.view("GET", "/docs")
@api.view("GET", "/redoc")
def reference(call: Call) -> Reply:
    _only_with_docs()
    document = described(service().app_name(), base=call.base or "/")
    return Reply(body=reference_page(document, base=call.base), headers=_PAGE)


@api.view("GET", "/")
def landing(call: Call) -> Reply:
    page = landing_page(service().app_name(), base=call.base, docs=service().docs_enabled)
    return Reply(body=page, headers=_PAGE)


def _only_with_docs() -> None:
    if not service().docs_enabled:
        raise NotFound("The reference is switched off.")


handler = observed(api, build=service)
