"""Intents, document types and portraits on the running stack: told to one function, followed by all."""

from collections.abc import Iterator
from typing import Any

import pytest

from candor.entries import SEEN_AFTER_SECONDS
from tests.doubles.company import NORTHWIND
from tests.doubles.web_server import WebServer
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

INTENTS = "/v1/admin/intents"
DOC_TYPES = "/v1/admin/doc-types"
WITHIN = SEEN_AFTER_SECONDS + 1
"""The promise of five seconds."""


@pytest.fixture(scope="module")
def company() -> Iterator[WebServer]:
    with WebServer(NORTHWIND) as site:
        yield site


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Any, company: WebServer
) -> Iterator[RunningStack]:
    """A stack of its own: what is told here would change the others' journeys."""
    running = RunningStack(
        tmp_path_factory.mktemp("told"),
        MODEL_CACHE=str(model_cache),
        FETCH_ALLOWED_ORIGINS=company.origin,
        RATE_LIMIT_REQUESTS="0",
    )
    running.start()
    yield running
    running.stop()


def said(running: RunningStack, text: str) -> Any:
    return running.api("POST", "/v1/reply/generate", {"query": text}).json


def test_an_intent_answers_in_another_function_within_five_seconds_and_goes_as_fast(
    running: RunningStack,
) -> None:
    assert said(running, "hello")["decision"] == "PASS"
    assert said(running, "What are your opening hours?")["answer"] != "From 9 to 18."

    told = {"key": "hours", "patterns": [r"\bopening hours\b"], "answer": "From 9 to 18."}
    made = running.admin("POST", INTENTS, told)
    assert made.status == 201
    until(lambda: said(running, "What are your opening hours?")["answer"] == "From 9 to 18.", seconds=WITHIN)
    answer = said(running, "What are your opening hours?")
    assert (answer["decision"], answer["citations"]) == ("PASS", [])

    assert running.admin("DELETE", f"{INTENTS}/{made.json['id']}").status == 204
    until(lambda: said(running, "What are your opening hours?")["answer"] != "From 9 to 18.", seconds=WITHIN)


def test_a_deleted_seed_stays_deleted_after_a_restart(running: RunningStack) -> None:
    ids = {intent["key"]: intent["id"] for intent in running.admin("GET", INTENTS).json}
    assert running.admin("DELETE", f"{INTENTS}/{ids['about']}").status == 204

    running.kill()
    running.start()

    assert "about" not in [intent["key"] for intent in running.admin("GET", INTENTS).json]


def test_a_catastrophic_pattern_is_refused_and_the_assistant_goes_on(running: RunningStack) -> None:
    told = {"key": "bad", "patterns": r"(a+)+$", "answer": "x"}

    refused = running.admin("POST", INTENTS, told)

    assert refused.status == 422
    assert "repeats" in refused.json["detail"]
    assert said(running, "a" * 5_000 + "!")["decision"] in ("ASK_USER", "ESCALATE")


def test_a_type_that_is_switched_off_is_not_given_to_fetched_pages(
    running: RunningStack, company: WebServer
) -> None:
    ids = {doc_type["key"]: doc_type["id"] for doc_type in running.admin("GET", DOC_TYPES).json}

    def stored(path: str) -> Any:
        body = {"url": f"{company.url}{path}", "store": True}
        fetched = running.admin("POST", "/v1/documents/fetch-from-url", body)
        assert fetched.status == 200, fetched
        listed = running.admin("GET", f"/v1/documents?q={company.url}{path}").json["items"]
        return listed[0]["doc_type"]

    assert stored("/pricing") == "pricing"

    assert running.admin("PUT", f"{DOC_TYPES}/{ids['tos']}", {"enabled": False}).status == 200
    until(lambda: stored("/legal/terms") == "other", seconds=WITHIN)


def test_a_company_is_read_from_its_own_site_and_answers_in_its_name(
    running: RunningStack, company: WebServer
) -> None:
    path = "/v1/admin/config/auto-generate-from-domain"

    drawn = running.admin("POST", path, {"url": company.url})

    assert drawn.status == 200, drawn
    assert drawn.json["app_name"] == "Northwind Hosting"
    assert drawn.json["colors"]["primary"] == "#0b7285"
    until(lambda: "Northwind Hosting" in said(running, "who are you?")["answer"], seconds=WITHIN)
    assert running.admin("GET", "/v1/admin/config/greeting").json["value"] == drawn.json["greeting"]
    changes = [v["changes"] for v in running.admin("GET", "/v1/admin/config/versions").json]
    assert "prompts.system_prompt" in {change["key"] for change in changes[1] + changes[0]}
    assert running.admin("POST", path, {"url": "http://169.254.169.254/"}).status == 400
    assert running.admin("POST", path, {"url": f"{company.url}/nothing"}).status == 502
