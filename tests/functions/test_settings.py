"""What an administrator tunes, through the real handler, with real events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from candor.accounts import Role
from candor.adapters.memory_config import MemoryAlerts, MemoryConfigStore
from candor.adapters.memory_vault import MemoryDrawers, MemoryVault
from candor.answering.budgets import Tier
from candor.answering.models import Model
from candor.config.archi import ARCHI, INACTIVE
from candor.config.known import SECTIONS
from candor.config.service import Configuration
from candor.edge.openapi import described
from candor.edge.routes import ROUTES
from candor.whmcs.crawl.remembering import Memory
from functions.settings import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered, wire_event
from tests.doubles.tuning import tuned

C = "/v1/admin/config"
KEY = "sk-a-key-of-the-model-0001"


@dataclass
class Named:
    name: str


@dataclass
class Desk:
    http: Http
    entrance: Entrance
    store: MemoryConfigStore
    vault: MemoryVault
    configuration: Configuration
    models: dict[Tier, Sequence[Any]] = field(default_factory=dict)

    def put(self, path: str, body: Any) -> Answered:
        return self.http.send("PUT", f"{C}/{path}", body=body)

    def get(self, path: str = "") -> Answered:
        return self.http.get(f"{C}/{path}" if path else C)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    entrance, store, vault = Entrance(), MemoryConfigStore(), MemoryVault()
    environment: Mapping[str, Mapping[str, Any]] = {
        "brand": {"app_name": "Candor"},
        "llm": {"llm_model": "gpt-5.2"},
    }
    configuration = tuned(store, vault=vault, environment=environment)
    desk = Desk(Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY), entrance, store, vault, configuration)

    def models(tier: Tier) -> Sequence[Model]:
        return desk.models.get(tier, ())

    parts: dict[str, Any] = dict.fromkeys(app.Service.__dataclass_fields__)
    parts |= {
        "gate": entrance.gate,
        "configuration": configuration,
        "models": models,
        "helpdesk": Memory(drawers=MemoryDrawers(), alerts=MemoryAlerts()),
    }
    service = app.Service(**parts)
    monkeypatch.setattr(app, "service", lambda: service)
    return desk


# ---------------------------------------------------------------- sections
def test_the_model_is_changed_in_part_and_its_key_is_shown_by_its_end(desk: Desk) -> None:
    before = desk.get("llm").json
    assert (before["llm_model"], before["llm_api_key"], before["version"]) == ("gpt-5.2", "", 0)
    assert before["writes"] == []

    put = desk.put("llm", {"llm_model": "gpt-5-mini", "llm_api_key": KEY, "unknown": "is ignored"})

    desk.models[Tier.FULL] = [Named("gpt-5-mini")]
    assert put.status == 200, put.text
    assert (put.json["llm_model"], put.json["llm_api_key"], put.json["version"]) == ("gpt-5-mini", "…0001", 1)
    assert desk.get("llm").json == {**put.json, "writes": ["gpt-5-mini"]}
    again = desk.put("llm", {**put.json, "llm_max_tokens": 512})
    assert (again.json["llm_max_tokens"], again.json["version"]) == (512, 2)
    assert desk.configuration.opened("llm")["llm_api_key"] == KEY
    assert KEY not in desk.get().text + desk.get("versions").text + put.text


def test_the_pipeline_tells_what_each_switch_does_and_which_have_no_step(desk: Desk) -> None:
    shown = desk.get("archi").json

    changed = desk.put(
        "archi", {"self_critic_enabled": True, "llm_model_economy": "mini", "asks_back": False}
    )

    assert set(shown["inactive"]) == set(INACTIVE)
    settings = {setting.name for setting in ARCHI.settings}
    assert set(shown) == settings | {"inactive", "descriptions", "version"}
    assert set(shown["descriptions"]) == settings
    assert changed.json == {
        **shown,
        "self_critic_enabled": True,
        "llm_model_economy": "mini",
        "asks_back": False,
        "version": 1,
    }


def test_limits_and_the_system_prompt_have_routes_of_their_own(desk: Desk) -> None:
    limits = desk.put("limits", {"rate_limit_requests": 7, "llm_economy_share": 0.5}).json
    prompt = desk.put("system-prompt", {"value": "Be brief.\n\n- No jokes.\n"}).json

    assert (limits["rate_limit_requests"], limits["llm_economy_share"]) == (7, 0.5)
    assert desk.get("limits").json == {**limits, "version": 2}
    assert prompt == {"value": "Be brief.\n\n- No jokes.", "version": 2}
    assert desk.get("system-prompt").json == prompt
    assert desk.get("system_prompt").json["value"] == prompt["value"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prompt_domain", "legal"),
        ("custom_prompt_rules", "One.\nTwo."),
        ("app_name", "Ada"),
        ("greeting", "Hello!"),
        ("domain_terms", ["VPS", "cPanel"]),
        ("branding", {"colors": {"main": "#123456"}, "logo": "https://a.example/l.png"}),
        ("tone", "formal"),
        ("asks_back", False),
        ("answer_confidence", 0.75),
        ("rate_limit_requests", 9),
        ("normalizer_slot_os_types", []),
        ("llm_model", "gpt-5-mini"),
    ],
)
def test_any_setting_is_read_and_changed_by_its_name(desk: Desk, key: str, value: Any) -> None:
    before = desk.get(key).json

    put = desk.put(key, {"key": key, "value": value})

    assert put.status == 200, put.text
    assert (put.json["key"], put.json["value"]) == (key, value)
    assert desk.get(key).json == put.json
    assert put.json["about"]
    assert desk.put(key, {"value": None}).json["value"] == before["value"]


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("llm_api_key", 403),
        ("LLM-API-KEY", 403),
        ("password", 404),
        ("openai_api_key", 404),
        ("nothing", 404),
        ("…", 404),
        ("x" * 300, 404),
        ("x" * 1_500, 422),
    ],
)
def test_secrets_and_what_is_no_setting_are_refused_by_name(desk: Desk, key: str, status: int) -> None:
    desk.put("llm", {"llm_api_key": KEY})

    read, written = desk.get(key), desk.put(key, {"value": "x"})

    assert (read.status, written.status) == (status, status)
    assert KEY not in read.text + written.text
    if status == 404:
        assert "app_name, greeting" in read.json["detail"]
    assert len(read.json["detail"]) < 500
    assert desk.configuration.version == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("llm", {"llm_base_url": "http://127.0.0.1/v1"}, 400, "llm_base_url: This address is not public"),
        ("llm", {"llm_api_key": "…0009"}, 422, "is a mask"),
        ("llm", {"llm_api_key": ["x"]}, 422, "llm_api_key must be text"),
        ("llm", {"llm_api_key": "x" * 501}, 422, "longer than 500"),
        ("llm", {"llm_max_tokens": 1.5}, 422, "whole number"),
        ("archi", {"answer_confidence": 65}, 422, "from 0 to 1"),
        ("archi", {"asks_back": "perhaps"}, 422, "true or false"),
        ("limits", {"rate_limit_requests": -1}, 422, "from 0"),
        ("limits", [], 422, "JSON object"),
        ("system-prompt", {}, 422, "value"),
        ("system-prompt", {"value": "x" * 12_001}, 422, "value"),
        ("system-prompt", {"value": "a\u0007b"}, 422, "control character"),
        ("system-prompt", {"value": "a\u0000b"}, 422, ""),
        ("app_name", {}, 422, "value"),
        ("app_name", {"value": {"a": 1}}, 422, "app_name must be text"),
        ("app_name", {"value": "\ud800"}, 422, ""),
        ("branding", {"value": {"logo": "javascript:alert(1)"}}, 422, "must be an address"),
        ("domain_terms", {"value": ["x" * 81]}, 422, "longer than 80"),
    ],
)
def test_what_cannot_be_meant_is_answered_with_a_sentence(
    desk: Desk, path: str, body: Any, status: int, said: str
) -> None:
    answer = desk.put(path, body)

    assert (answer.status, desk.configuration.version) == (status, 0), answer.text
    assert said in answer.json["detail"] or any(said in each["msg"] for each in answer.json["errors"])


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity", "0.5.5"])
def test_what_is_no_number_is_none(desk: Desk, number: str) -> None:
    raw = f'{{"answer_confidence": {number}}}'

    answer = desk.http.as_(Content_Type="application/json").send("PUT", f"{C}/archi", raw=raw)

    assert (answer.status in (400, 422), desk.configuration.version) == (True, 0)


# ---------------------------------------------------------------- the whole
def test_the_whole_is_shown_and_taken_back_section_by_section(desk: Desk) -> None:
    desk.put("llm", {"llm_model": "one", "llm_api_key": KEY})
    desk.put("app_name", {"value": "Ada"})
    desk.put("whmcs", {"username": "reader", "password": "pa55word-of-the-desk"})
    whole = desk.get().json
    desk.put("llm", {"llm_model": "two", "llm_api_key": "sk-quite-another-key"})
    desk.put("app_name", {"value": ""})
    desk.put("limits", {"rate_limit_requests": 1})

    back = desk.http.post(f"{C}/rollback", {"version": 3})

    assert set(whole) == {section.name for section in SECTIONS} | {"version"}
    assert back.status == 200
    assert back.json == {**whole, "version": 7}
    assert desk.get().json == back.json
    assert desk.configuration.opened("llm")["llm_api_key"] == KEY
    assert desk.configuration.opened("whmcs")["password"] == "pa55word-of-the-desk"
    versions = desk.get("versions").json
    assert {edit["key"] for edit in versions[0]["changes"]} == {
        "llm.llm_model",
        "llm.llm_api_key",
        "brand.app_name",
        "limits.rate_limit_requests",
    }
    assert {"key": "llm.llm_api_key", "from": "…-key", "to": "…0001"} in versions[0]["changes"]


def test_every_change_says_who_made_it(desk: Desk) -> None:
    ada = desk.entrance.user("ada", Role.ADMIN)
    person = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(ada)}")

    assert person.send("PUT", f"{C}/app_name", body={"value": "Ada"}).status == 200
    desk.put("limits", {"rate_limit_requests": 2})

    by_key, by_person = (version["by"] for version in desk.get("versions").json)
    assert ada.user_id in by_person
    assert by_key != by_person


def test_refreshing_reads_what_was_changed_elsewhere_at_once(desk: Desk) -> None:
    desk.get("app_name")
    tuned(desk.store, vault=desk.vault).put("brand", {"app_name": "Elsewhere"}, by="eve")

    refreshed = desk.http.post(f"{C}/refresh-cache")

    assert refreshed.status == 200
    assert refreshed.json["version"] == 1
    assert refreshed.json["seen_within_seconds"] <= 5
    assert desk.configuration.shown("brand")["app_name"] == "Elsewhere"


@pytest.mark.parametrize("path", ["", "app_name", "limits", "llm", "whmcs"])
def test_what_another_process_has_changed_is_shown_at_once(desk: Desk, path: str) -> None:
    desk.get("llm")
    tuned(desk.store, vault=desk.vault).put("brand", {"app_name": "Elsewhere"}, by="eve")

    assert desk.get(path).json["version"] == 1


def test_a_store_that_is_down_is_said_to_who_looks_at_it(desk: Desk) -> None:
    desk.store.down = True

    for answer in (desk.get(), desk.get("llm"), desk.put("limits", {"rate_limit_requests": 1})):
        assert (answer.status, "retry-after" in answer.headers) == (503, True)


def test_a_vault_that_is_down_keeps_nothing_half(desk: Desk) -> None:
    desk.vault.down = True

    assert desk.put("llm", {"llm_api_key": KEY, "llm_model": "one"}).status == 503
    assert desk.configuration.version == 0


# ---------------------------------------------------------------- every route
OWN = sorted(
    path
    for path in Path("events/settings").glob("*.json")
    if wire_event(path)["resource"].startswith(C) and "auto-generate" not in wire_event(path)["resource"]
)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_a_wire_event_is_answered_as_described(desk: Desk, path: Path) -> None:
    event = json.loads(path.read_text().replace("${ADMIN_API_KEY}", ADMIN_KEY))
    for name in ("one", "two", "three"):
        desk.put("app_name", {"value": name})

    answer = answered(app.handler(event, Context()))

    whole = described("Candor")
    responses = whole["paths"][event["resource"]][event["httpMethod"].lower()]["responses"]
    assert answer.status == 200, answer.text
    schema = {**responses["200"]["content"]["application/json"]["schema"], "components": whole["components"]}
    Draft202012Validator(schema).validate(answer.json)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_every_route_of_it_is_closed_to_who_is_no_admin(desk: Desk, path: Path) -> None:
    event = wire_event(path)
    for headers, status in (({"X-API-Key": API_KEY}, 403), ({}, 401)):
        event["headers"] = {**headers, "Content-Type": "application/json"}
        assert answered(app.handler(event, Context())).status == status


ANYTHING: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, "", "   ", "x" * 20_000, "…", "é\u202e\u0007", [], [[]], [None], ["x" * 400],
    {}, {"a": {"b": []}}, {"value": {"value": 1}}, "https://", "http://[::1", "javascript:1", {"colors": 1},
    "https://user:pw@x.example/", "https://x.example:99999/", ["", " "], {"": ""}, {"logo": None},
)  # fmt: skip


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.path.startswith(C) and route.method == "PUT"],
    ids=lambda route: route.path,
)
def test_no_value_of_any_field_makes_a_route_fail(desk: Desk, route: Any) -> None:
    failed = []
    names = [setting.name for section in SECTIONS if section.by_key for setting in section.settings]
    places = names[:12] + names[-6:] if "{key}" in route.path else [""]

    for place in places:
        path = route.path.replace("{key}", place)
        for name in route.body.model_fields:
            for value in ANYTHING:
                answer = desk.http.send("PUT", path, body={name: value})
                if answer.status >= 500 or (answer.status >= 400 and len(answer.json["detail"]) < 6):
                    failed.append((path, name, value, answer.text[:200]))

    assert failed == []
