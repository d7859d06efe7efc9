"""Health, the reference and its pages, through the real handler, with real proxy events."""

import re
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from openapi_spec_validator import validate

from candor.accounts import Role, Scope
from candor.answering.models import Usage
from candor.answering.snapshots import Shown
from candor.answering.values import Decision
from candor.edge.routes import ROUTES, Access
from candor.errors import Unavailable
from candor.health import Health
from candor.jobs import JobStatus
from candor.statistics.counting import counts_of
from candor.statistics.values import Depth, Entry
from functions.operations import app
from tests.doubles.answering import REFUNDS
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, Http, proxy_event
from tests.doubles.numbers import NOW, Numbers, an_answer, read_metrics, sample

NAMES = ("dynamodb", "s3", "queues", "search", "vectors", "model")


def _http(
    monkeypatch: pytest.MonkeyPatch,
    *,
    docs: bool = True,
    gate: Entrance | None = None,
    numbers: Numbers | None = None,
    patience: float = 60.0,
    **checks: Callable[[], None],
) -> Http:
    """`patience`: seconds that each part has for its answer; on a busy machine any of them takes one."""
    health = Health(
        checks={name: checks.get(name, lambda: None) for name in NAMES},
        timeout_seconds=patience,
        fresh_seconds=0,
    )
    entrance = gate or Entrance()
    found = numbers or Numbers()
    service = app.Service(
        gate=entrance.gate,
        health=health,
        app_name=lambda: "Hosting",
        docs_enabled=docs,
        scraping=found.scraping,
        alerts=found.alerts,
        clock=found.clock,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Http(app.handler)


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _http(monkeypatch)

    assert http.get("/v1/health").json == {
        "status": "healthy",
        "version": "0.1.0",
        "checks": dict.fromkeys(NAMES, "ok"),
    }
    assert http.get("/health").json == {"status": "ok", "service": "Hosting API"}


@pytest.mark.parametrize("name", NAMES)
def test_one_part_that_fails_degrades_the_whole_and_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def failing() -> None:
        raise Unavailable("It is not there.")

    http = _http(monkeypatch, **{name: failing})

    answer = http.get("/v1/health")

    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"] == {**dict.fromkeys(NAMES, "ok"), name: "It is not there."}
    assert http.get("/health").json["status"] == "degraded"


def test_a_part_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    hangs: Callable[[], None] = lambda: go_on.wait(60) and None  # noqa: E731
    http = _http(monkeypatch, patience=2.0, search=hangs, vectors=hangs)

    answer = http.get("/v1/health")
    go_on.set()

    assert (
        answer.json["checks"]["search"] == answer.json["checks"]["vectors"] == "No answer within 2 seconds."
    )
    assert answer.json["checks"]["s3"] == "ok"


def test_a_librarys_words_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> None:
        raise RuntimeError("https://user:secret@search.internal refused")

    answer = _http(monkeypatch, search=failing).get("/v1/health")

    assert answer.json["checks"]["search"] == "Failed with RuntimeError."


def test_health_is_asked_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _http(monkeypatch, gate=Entrance(requests=1))

    assert {http.get("/v1/health").status for _ in range(5)} == {200}


def test_the_openapi_document_is_valid_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    document = _http(monkeypatch).get("/openapi.json").json

    validate(document)
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert bool(operation["security"]) is (route.access is not Access.PUBLIC)
        assert ("requestBody" in operation) is (route.body is not None or route.form is not None)


def test_the_document_says_what_the_models_check(monkeypatch: pytest.MonkeyPatch) -> None:
    document = _http(monkeypatch).get("/openapi.json").json

    query = document["components"]["schemas"]["ReplyBody"]["properties"]["query"]
    assert (query["minLength"], query["maxLength"]) == (1, 20_000)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/"])
def test_the_pages_are_whole_in_themselves(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    answer = _http(monkeypatch).get(path)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", answer.text)
    assert not re.search(r"href=\"https?:", answer.text)


def test_the_reference_shows_every_route(monkeypatch: pytest.MonkeyPatch) -> None:
    page = _http(monkeypatch).get("/docs").text

    assert all(f'<span class="path">{route.path}</span>' in page for route in ROUTES)


def test_links_stay_under_the_stage_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _http(monkeypatch)
    gateway = {"Host": "abc123.execute-api.us-east-1.amazonaws.com"}
    under_stage = proxy_event("GET", "/", headers=gateway)
    at_the_root = proxy_event("GET", "/", headers={"Host": "support.example.com"})

    assert 'href="/prod/docs"' in app.handler(under_stage, Context())["body"]
    assert 'href="/docs"' in app.handler(at_the_root, Context())["body"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_reference_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    http = _http(monkeypatch, docs=False)

    assert http.get(path).status == 404
    assert "/docs" not in http.get("/").text


# ---------------------------------------------------------------- how it is used
def counted(numbers: Numbers, at: datetime, **said: Any) -> None:
    """One answer that was given at that time."""
    entry = Entry(entry_id=uuid.uuid4().hex, at=at, counts=counts_of(an_answer("a", **said)))
    numbers.statistics.add(entry)


def a_week(numbers: Numbers) -> None:
    paid = {"model": "gpt-5.2", "llm_calls": 1, "input_tokens": 1_000, "output_tokens": 100}
    found = {"features": {"cosine": 0.5}, "evidence": (Shown.of(REFUNDS, score=1, cosine=0.5, bm25=1),)}
    for minutes in (0, 61, 23 * 60):
        counted(numbers, NOW - timedelta(minutes=minutes), cost_usd=0.00315, **paid, **found)
    counted(numbers, NOW, decision=Decision.ESCALATE, timings_ms={"total": 90.0, "search_total": 9.0})
    counted(numbers, NOW - timedelta(days=6), decision=Decision.ASK_USER, cost_usd=None, **paid)
    counted(numbers, NOW - timedelta(days=29), cost_usd=1.0, **paid)
    counted(numbers, NOW - timedelta(days=31), cost_usd=100.0, **paid)


def test_a_day_is_told_by_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    a_week(numbers)
    http = _http(monkeypatch, numbers=numbers).as_(X_API_Key=API_KEY)

    stats = http.get("/v1/dashboard/stats").json

    assert stats["window"] == "24h"
    assert stats["decisions"] == {"PASS": 3, "ASK_USER": 0, "ESCALATE": 1}
    assert (stats["escalation_rate"], stats["retrieval_hit_rate"]) == (0.25, 0.75)
    assert stats["tokens"] == {"input": 3_000, "output": 300}
    assert stats["token_cost_usd"] == 0.00945
    assert stats["cost_unknown"] is False
    assert 25 < stats["latency_ms"]["p50"] <= 50 < stats["latency_ms"]["p95"] <= 100
    assert [point["answers"] for point in stats["series"]] == [1, *[0] * 21, 1, 2]
    assert stats["series"][-1]["at"] == "2026-11-21T12:00:00+00:00"
    assert stats["metrics"]["answers"] == 4
    assert stats["alerts"] is None


def test_a_week_and_a_month_are_told_by_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    a_week(numbers)
    http = _http(monkeypatch, numbers=numbers).as_(X_API_Key=API_KEY)

    week = http.get("/v1/dashboard/stats", query={"window": "7d"}).json
    month = http.get("/v1/dashboard/stats", query={"window": "30d"}).json

    assert (len(week["series"]), len(month["series"])) == (7, 30)
    assert week["decisions"] == {"PASS": 3, "ASK_USER": 1, "ESCALATE": 1}
    assert (week["token_cost_usd"], week["cost_unknown"]) == (0.00945, True)
    assert month["token_cost_usd"] == 1.00945
    assert month["series"][0]["at"] == "2026-10-23T00:00:00+00:00"
    assert month["series"][0]["answers"] == 1


def test_nothing_happened_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _http(monkeypatch).as_(X_API_Key=API_KEY)

    stats = http.get("/v1/dashboard/stats", query={"window": "30d"}).json

    assert stats["latency_ms"] == {"p50": 0, "p95": 0}
    assert (stats["escalation_rate"], stats["retrieval_hit_rate"], stats["token_cost_usd"]) == (0, 0, 0)
    assert set(stats["metrics"].values()) == {0}


@pytest.mark.parametrize("window", ["", "1h", "24H", "7"])
def test_a_window_is_one_of_three(monkeypatch: pytest.MonkeyPatch, window: str) -> None:
    http = _http(monkeypatch).as_(X_API_Key=API_KEY)

    assert http.get("/v1/dashboard/stats", query={"window": window}).status == 422


def test_alerts_are_for_administrators(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    numbers.alerts.raise_("whmcs-login", "The login has expired.")
    http = _http(monkeypatch, numbers=numbers)

    shown = http.as_(X_Admin_API_Key=ADMIN_KEY).get("/v1/dashboard/stats").json["alerts"]

    assert [(alert["id"], alert["message"]) for alert in shown] == [("whmcs-login", "The login has expired.")]
    assert http.as_(X_API_Key=API_KEY).get("/v1/dashboard/stats").json["alerts"] is None
    assert http.get("/v1/dashboard/stats").status == 401


def test_metrics_take_an_admin_or_the_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    entrance = Entrance()
    http = _http(monkeypatch, gate=entrance)
    user, admin = entrance.user("ada"), entrance.user("grace", Role.ADMIN)
    of_user, of_admin = entrance.token(user), entrance.token(admin)
    scoped = entrance.token(admin, Scope.METRICS)

    assert http.get("/v1/metrics").status == 401
    assert http.as_(X_API_Key=API_KEY).get("/v1/metrics").status == 403
    assert http.as_(X_API_Key=of_user).get("/v1/metrics").status == 403
    for key in (of_admin, scoped):
        assert http.as_(X_API_Key=key).get("/v1/metrics").status == 200
    assert http.as_(X_Admin_API_Key=ADMIN_KEY).get("/v1/metrics").status == 200


def test_metrics_are_prometheus_text(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    a_week(numbers)
    odd = 'a "model"\\ of\nnobody|x'
    counted(numbers, NOW, model=odd, llm_calls=2, input_tokens=5, output_tokens=0, cost_usd=None)
    numbers.queues.known = {"index": Depth(waiting=3, in_flight=1)}
    numbers.given_up.known = {"changes": Depth(waiting=2, in_flight=0)}
    numbers.alerts.raise_("whmcs-login", "The login has expired.")
    job = numbers.jobs.start(kind="reconcile", subject="both", created_by="ada")
    numbers.jobs.finish(job.job_id, JobStatus.SUCCEEDED)
    numbers.budget.spend(Usage(calls=1, input_tokens=70, output_tokens=7))

    answer = _http(monkeypatch, numbers=numbers).as_(X_Admin_API_Key=ADMIN_KEY).get("/v1/metrics")
    found = read_metrics(answer.text)

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert sample(found, "answers_total") == 8
    assert sample(found, "decisions_total", decision="ESCALATE") == sample(found, "escalations_total") == 1
    assert sample(found, "llm_calls_total", model="gpt-5.2") == 6
    assert sample(found, "llm_tokens_total", model="gpt-5.2", direction="input") == 6_000
    assert sample(found, "llm_cost_usd_total", model="gpt-5.2") == pytest.approx(101.00945)
    assert sample(found, "llm_unpriced_answers_total", model=odd) == 1
    assert sample(found, "retrieval_hits_total") == 3
    assert sample(found, "retrieval_misses_total") == 1
    assert sample(found, "answer_duration_seconds_count") == 8
    assert sample(found, "answer_duration_seconds_sum") == pytest.approx(7 * 0.04 + 0.09)
    assert sample(found, "queue_messages", queue="index", state="waiting") == 3
    assert sample(found, "dead_letters", queue="changes") == 2
    assert sample(found, "jobs", kind="reconcile", status="succeeded") == 1
    assert sample(found, "alerts", alert="whmcs-login") == 1
    assert sample(found, "llm_tokens_today") == 77
    assert sample(found, "scrape_failures", part="queues") == 0


def test_a_part_that_is_down_is_named_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    a_week(numbers)
    numbers.queues.down = True

    page = _http(monkeypatch, numbers=numbers).as_(X_Admin_API_Key=ADMIN_KEY).get("/v1/metrics").text

    found = read_metrics(page)
    assert sample(found, "scrape_failures", part="queues") == 1
    assert sample(found, "scrape_failures", part="jobs") == 0
    assert sample(found, "answers_total") == 7
    assert "queue_messages" not in page


def test_without_the_statistics_there_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    numbers.statistics.down = True
    http = _http(monkeypatch, numbers=numbers).as_(X_Admin_API_Key=ADMIN_KEY)

    assert http.get("/v1/metrics").status == 503
    assert http.get("/v1/dashboard/stats").status == 503
    assert http.get("/v1/health").status == 200


def test_requests_are_counted_by_route_and_written_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    http = _http(monkeypatch, numbers=numbers, gate=Entrance(meter=numbers.meter))

    for _ in range(40):
        http.get("/v1/health")
    http.get("/v1/dashboard/stats")
    http.send("PUT", "/v1/health")
    http.get("/v1/../etc/passwd")

    assert numbers.statistics.writes == 1  # The first request's; the others wait.
    numbers.ticks.now += 10
    http.options("/v1/health")
    assert numbers.statistics.writes == 2

    page = http.as_(X_Admin_API_Key=ADMIN_KEY).get("/v1/metrics").text
    found = read_metrics(page)
    of = {"function": "operations", "method": "GET", "route": "/v1/health"}
    assert sample(found, "requests_total", **of, status="2xx") == 40
    assert sample(found, "requests_total", **of | {"method": "OPTIONS"}, status="2xx") == 1
    assert sample(found, "requests_total", **of | {"method": "PUT"}, status="4xx") == 1
    assert sample(found, "requests_total", **of | {"route": "/v1/dashboard/stats"}, status="4xx") == 1
    unknown = {"function": "operations", "method": "other", "route": "unknown"}
    assert sample(found, "requests_total", **unknown, status="4xx") == 1
    assert "passwd" not in page
    assert sample(found, "request_duration_seconds_count", function="operations") == 44


def test_a_dead_counter_table_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = Numbers()
    numbers.statistics.down = True
    http = _http(monkeypatch, numbers=numbers, gate=Entrance(meter=numbers.meter))

    assert {http.get("/v1/health").status for _ in range(5)} == {200}

    numbers.statistics.down = False
    numbers.ticks.now += 60
    http.get("/v1/health")
    assert numbers.statistics.total()["requests"] == 6
