"""Health, the reference and its pages, through the real handler, with real proxy events."""

import re
import threading
from collections.abc import Callable

import pytest
from openapi_spec_validator import validate

from candor.edge.routes import ROUTES, Access
from candor.errors import Unavailable
from candor.health import Health
from functions.operations import app
from tests.doubles.entrance import Entrance
from tests.doubles.gateway import Context, Http, proxy_event

NAMES = ("dynamodb", "s3", "queues", "search", "vectors", "model")


def _http(
    monkeypatch: pytest.MonkeyPatch,
    *,
    docs: bool = True,
    gate: Entrance | None = None,
    **checks: Callable[[], None],
) -> Http:
    health = Health(
        checks={name: checks.get(name, lambda: None) for name in NAMES}, timeout_seconds=0.3, fresh_seconds=0
    )
    entrance = gate or Entrance()
    service = app.Service(gate=entrance.gate, health=health, app_name="Hosting", docs_enabled=docs)
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
    http = _http(monkeypatch, search=lambda: go_on.wait(10) and None, vectors=lambda: go_on.wait(10) and None)

    answer = http.get("/v1/health")
    go_on.set()

    assert (
        answer.json["checks"]["search"] == answer.json["checks"]["vectors"] == "No answer within 0.3 seconds."
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
