"""Intents, document types and portraits of companies, through the real handler."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.adapters.memory_config import MemoryConfigStore
from candor.adapters.memory_entries import MemoryBooks
from candor.adapters.memory_vault import MemoryVault
from candor.answering.policy import Policy
from candor.config.brand import BRAND
from candor.config.prompts import PROMPTS
from candor.config.service import Configuration
from candor.doc_types import DocTypes
from candor.intents.service import Intents
from candor.intents.shortcuts import LiveShortcuts
from candor.portrait.service import Portraits
from candor.portrait.visiting import Visiting
from candor.sources.web_pages import read_page
from functions.settings import app
from tests.doubles.company import HOSTILE, NORTHWIND
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, Http, answered, wire_event
from tests.doubles.web_server import WebServer

INTENTS = "/v1/admin/intents"
DOC_TYPES = "/v1/admin/doc-types"
GENERATE = "/v1/admin/config/auto-generate-from-domain"
HOURS = {"key": "hours", "patterns": r"\bopening hours\b", "answer": "From 9 to 18."}


@dataclass
class Desk:
    http: Http
    books: MemoryBooks
    configuration: Configuration
    site: WebServer
    shortcuts: LiveShortcuts
    ticks: list[float]

    def said(self, text: str) -> str | None:
        """What a customer is answered by another function, seconds later."""
        self.ticks[0] += 5
        return self.shortcuts.answer(text)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    books, ticks = MemoryBooks(), [100.0]
    configuration = Configuration(
        store=MemoryConfigStore(),
        vault=MemoryVault(),
        sections=[PROMPTS, BRAND],
        check_address=lambda url: url,
    )
    with WebServer({**HOSTILE, **NORTHWIND}) as site:
        fetcher = HttpFetcher(version="1", allowed_origins=[site.origin])
        portraits = Portraits(
            visiting=Visiting(fetcher=fetcher, read=read_page),
            configuration=configuration,
            models=lambda: (),
        )
        desk = SimpleNamespace(
            gate=Entrance().gate,
            configuration=configuration,
            intents=Intents(books=books),
            doc_types=DocTypes(books=books),
            portraits=portraits,
        )
        monkeypatch.setattr(app, "service", lambda: desk)
        shortcuts = LiveShortcuts(
            intents=Intents(books=books),
            policies=lambda: Policy(app_name="Ada"),
            ticks=lambda: ticks[0],
            seconds=60.0,
        )
        http = Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)
        yield Desk(http, books, configuration, site, shortcuts, ticks)


def test_the_first_deploy_has_five_intents_as_a_bare_array(desk: Desk) -> None:
    answer = desk.http.get(INTENTS)

    assert answer.status == 200
    keys = [intent["key"] for intent in answer.json]
    assert keys == ["what_can_you_do", "who_are_you", "who_am_i", "about", "hello"]
    assert set(answer.json[0]) >= {"id", "key", "patterns", "answer", "enabled", "sort_order"}
    assert all(intent["enabled"] and len(intent["patterns"]) == 6 for intent in answer.json)


def test_an_intent_is_made_used_changed_in_part_and_deleted(desk: Desk) -> None:
    made = desk.http.post(INTENTS, HOURS)
    assert made.status == 201
    assert made.json == {
        **HOURS,
        "id": made.json["id"],
        "translations": {},
        "enabled": True,
        "sort_order": 60,
    }
    assert desk.said("What are your opening hours?") == "From 9 to 18."

    path = f"{INTENTS}/{made.json['id']}"
    changed = desk.http.send("PUT", path, body={"answer": "Always.", "patterns": [r"\bopen\b"]})
    assert (changed.status, changed.json["key"], changed.json["patterns"]) == (200, "hours", [r"\bopen\b"])
    assert desk.http.get(path).json == changed.json
    assert desk.said("are you open now") == "Always."

    assert desk.http.send("PUT", path, body={"enabled": False}).status == 200
    assert desk.said("are you open now") is None

    assert desk.http.delete(path).status == 204
    assert [desk.http.get(path).status, desk.http.delete(path).status] == [404, 404]
    assert desk.http.send("PUT", path, body={"enabled": True}).status == 404


def test_an_intent_says_what_it_says_in_the_language_of_who_asks(desk: Desk) -> None:
    body = {
        **HOURS,
        "patterns": ["opening hours", "Öffnungszeiten"],
        "translations": {"de": "Von 9 bis 18 Uhr."},
    }
    made = desk.http.post(INTENTS, body)

    assert desk.said("Wie sind denn die Öffnungszeiten bei euch?") == "Von 9 bis 18 Uhr."
    assert desk.said("What are your opening hours?") == "From 9 to 18."

    # An answer that is changed alone would not say the same in the other languages.
    changed = desk.http.send("PUT", f"{INTENTS}/{made.json['id']}", body={"answer": "Always."})
    assert changed.json["translations"] == {}


def test_the_first_that_matches_answers(desk: Desk) -> None:
    desk.http.post(INTENTS, {**HOURS, "key": "later", "patterns": "hours", "sort_order": 500})
    desk.http.post(
        INTENTS, {**HOURS, "key": "sooner", "patterns": "hours", "answer": "Mine.", "sort_order": -5}
    )

    assert desk.said("your hours?") == "Mine."


def test_a_deleted_seed_does_not_come_back_and_a_changed_one_stays_changed(desk: Desk) -> None:
    ids = {intent["key"]: intent["id"] for intent in desk.http.get(INTENTS).json}
    assert desk.said("hello") == "Hello! How can I help you?"

    desk.http.delete(f"{INTENTS}/{ids['hello']}")
    desk.http.send("PUT", f"{INTENTS}/{ids['who_are_you']}", body={"answer": "I am {app_name} of ACME."})

    assert desk.said("hello") is None
    assert desk.said("who are you?") == "I am Ada of ACME."
    assert [intent["key"] for intent in desk.http.get(INTENTS).json] == [
        "what_can_you_do",
        "who_are_you",
        "who_am_i",
        "about",
    ]


def test_a_used_key_is_409_for_a_new_one_and_for_a_renamed_one(desk: Desk) -> None:
    made = desk.http.post(INTENTS, HOURS).json

    twice = desk.http.post(INTENTS, {**HOURS, "key": "HOURS"})
    renamed = desk.http.send("PUT", f"{INTENTS}/{made['id']}", body={"key": "hello"})

    assert (twice.status, renamed.status) == (409, 409)
    assert "HOURS" in twice.json["detail"]
    assert "retry-after" not in twice.headers


def test_the_same_post_with_an_idempotency_key_makes_one_intent(desk: Desk) -> None:
    once = desk.http.as_(Idempotency_Key="k1")

    first, second = once.post(INTENTS, HOURS), once.post(INTENTS, HOURS)

    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ("(a+)+$", "repeats something that repeats"),
        ("(a|aa)+$", "begin alike"),
        (["fine", "(x+x+)+y"], "Pattern 1"),
        ("(", "not a regular expression"),
        ("[z-a]", "bad character range"),
        (r"(a)\1", "refers back"),
        ("(?=x)y", "looks ahead"),
        (".*", "empty text"),
        ("", "blank"),
        ("   ", "blank"),
        ("x" * 501, "longer than 500"),
        ("a{2000}", "1000 characters"),
    ],
)
def test_a_bad_or_catastrophic_pattern_is_422_and_says_what_is_wrong(
    desk: Desk, patterns: Any, said: str
) -> None:
    answer = desk.http.post(INTENTS, {**HOURS, "patterns": patterns})

    assert answer.status == 422
    assert said in answer.json["detail"]
    assert answer.json["errors"][0]["loc"][:2] == ["body", "patterns"]
    assert len(desk.http.get(INTENTS).json) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"key": ""},
        {"key": "two words"},
        {"key": "x" * 65},
        {"key": "a/b"},
        {"key": "\u200b"},
        {"key": None},
        {"patterns": []},
        {"patterns": ["a"] * 21},
        {"patterns": {"a": 1}},
        {"patterns": [1]},
        {"patterns": [None]},
        {"patterns": None},
        {"answer": ""},
        {"answer": "   "},
        {"answer": "x" * 10_001},
        {"answer": "bell \u0007"},
        {"answer": 5},
        {"enabled": "perhaps"},
        {"sort_order": 10**30},
        {"sort_order": 1.5},
        {"translations": {"tlh": "nuqneH"}},
        {"translations": ["a"]},
        {"answer": "nul \u0000"},
        {"patterns": "\ud800"},
    ],
)
def test_hostile_intents_are_422_and_leave_nothing(desk: Desk, change: dict[str, Any]) -> None:
    answer = desk.http.post(INTENTS, {**HOURS, **change})

    assert answer.status == 422, answer.text
    assert len(desk.http.get(INTENTS).json) == 5


def test_all_intents_together_have_a_limit(desk: Desk) -> None:
    patterns = [f"{'x{900}'}{number:02}" for number in range(15)]

    first = desk.http.post(INTENTS, {**HOURS, "patterns": patterns})
    second = desk.http.post(INTENTS, {**HOURS, "key": "more", "patterns": patterns})

    assert (first.status, second.status) == (201, 422)
    assert "20,000" in second.json["detail"]


def test_intents_and_types_are_for_admins(desk: Desk) -> None:
    user = Http(app.handler).as_(X_API_Key=API_KEY)

    for path in (INTENTS, DOC_TYPES):
        assert user.get(path).status == 403
        assert Http(app.handler).get(path).status == 401
    assert user.post(GENERATE, {"domain": "example.com"}).status == 403


def test_a_table_that_is_down_is_503(desk: Desk) -> None:
    desk.books.down = True

    assert [desk.http.get(INTENTS).status, desk.http.post(DOC_TYPES, {"key": "x"}).status] == [503, 503]


def test_the_first_deploy_has_seven_document_types(desk: Desk) -> None:
    answer = desk.http.get(DOC_TYPES)

    keys = [doc_type["key"] for doc_type in answer.json]
    assert keys == ["policy", "tos", "faq", "howto", "pricing", "conversation", "other"]
    assert all(doc_type["label"] and doc_type["description"] for doc_type in answer.json)


def test_a_document_type_is_made_changed_in_part_and_deleted(desk: Desk) -> None:
    made = desk.http.post(DOC_TYPES, {"key": "news", "description": "What is new."})
    assert made.status == 201
    assert made.json == {
        "id": made.json["id"],
        "key": "news",
        "label": "news",
        "description": "What is new.",
        "enabled": True,
        "sort_order": 80,
    }

    path = f"{DOC_TYPES}/{made.json['id']}"
    changed = desk.http.send("PUT", path, body={"label": "News", "enabled": False, "unknown": 1})
    assert changed.json == {**made.json, "label": "News", "enabled": False}

    assert desk.http.post(DOC_TYPES, {"key": "News"}).status == 409
    assert desk.http.send("PUT", path, body={"key": "faq"}).status == 409
    assert desk.http.delete(path).status == 204
    assert desk.http.get(path).status == 404


def test_a_portrait_of_a_site_is_shown_and_becomes_the_settings(desk: Desk) -> None:
    answer = desk.http.post(GENERATE, {"url": desk.site.url})

    assert answer.status == 200, answer.text
    said = answer.json
    assert (said["status"], said["saved"], said["written_by"]) == ("ok", True, "rules")
    assert said["app_name"] == "Northwind Hosting"
    assert said["prompt_domain"] == "support"
    assert said["tone"] == "friendly"
    assert said["colors"]["primary"] == "#0b7285"
    assert said["domain_terms"][:3] == ["Cloud VPS", "Managed WordPress", "NVMe"]
    assert "30 days" in said["custom_prompt_rules"]
    assert "/legal/terms" in said["custom_prompt_rules"]
    assert "Northwind Hosting" in said["greeting"]
    prompts, brand = desk.configuration.shown("prompts"), desk.configuration.shown("brand")
    assert prompts["system_prompt"] == said["persona"]
    assert prompts["custom_prompt_rules"] == said["custom_prompt_rules"]
    assert prompts["prompt_domain"] == "support"
    assert (brand["app_name"], brand["greeting"]) == ("Northwind Hosting", said["greeting"])
    assert brand["domain_terms"] == said["domain_terms"]
    assert brand["branding"]["colors"] == said["colors"]
    assert said["version"] == desk.configuration.version


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    answer = desk.http.post(GENERATE, {"domain": desk.site.origin, "dry_run": True})

    assert (answer.status, answer.json["saved"]) == (200, False)
    assert desk.configuration.version == 0


def test_what_an_administrator_has_set_and_the_site_does_not_say_stays(desk: Desk) -> None:
    desk.configuration.put("brand", {"branding": {"logo": "https://a.example/logo.png"}}, by="ada")

    desk.http.post(GENERATE, {"url": desk.site.url})

    branding = desk.configuration.shown("brand")["branding"]
    assert branding["logo"] == "https://a.example/logo.png"
    assert branding["colors"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/inside", 400),
        ("http://10.0.0.1/", 400),
        ("http://localhost:1/", 400),
        ("ftp://example.com/", 400),
        ("javascript:alert(1)", 400),
        ("file:///etc/passwd", 400),
        ("/empty", 502),
        ("/blank", 502),
        ("/picture", 502),
        ("/down", 502),
        ("/missing", 502),
        ("/huge", 502),
        ("", 422),
        ("   ", 422),
    ],
)
def test_a_site_that_cannot_be_read_is_said_so_and_changes_nothing(
    desk: Desk, address: str, status: int
) -> None:
    url = f"{desk.site.url}{address}" if address.startswith("/") else address

    answer = desk.http.post(GENERATE, {"url": url})

    assert answer.status == status, answer.text
    assert answer.json["detail"].endswith(".")
    assert desk.configuration.version == 0


def test_a_page_that_gives_orders_is_not_obeyed(desk: Desk) -> None:
    said = desk.http.post(GENERATE, {"url": f"{desk.site.url}/evil"})

    assert said.status == 200
    assert said.json["app_name"] == "Nice Shop"
    for word in ("evil", "ignore", "everything", "script>", "EvilBot", "9 to 5", "alert"):
        assert word not in said.text.replace("/evil", "")


@pytest.mark.parametrize(
    "case",
    [
        *("intents", "intent", "add_intent", "change_intent", "delete_intent"),
        *("doc_types", "doc_type", "add_doc_type", "change_doc_type", "delete_doc_type"),
    ],
)
def test_the_wire_events_are_answered_as_they_stand(desk: Desk, case: str) -> None:
    event = wire_event(Path(f"events/settings/{case}.json"))
    event["headers"]["X-Admin-API-Key"] = ADMIN_KEY

    answer = answered(app.handler(event, Context()))

    assert answer.status in (200, 201, 204), answer.text
