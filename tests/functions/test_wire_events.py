"""Every wire event of the HTTP functions is answered by its handler as it stands."""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from candor.accounts import Role, Token, User
from candor.adapters.memory_accounts import MemorySessions
from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_documents import MemoryDocuments
from candor.answering.replaying import Replaying
from candor.edge.gate import Gate
from candor.edge.openapi import described
from candor.health import Health
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Context, answered
from tests.doubles.numbers import Numbers, an_answer
from tests.doubles.talks import Assistant
from tests.functions.test_replies import Scripted

EVENTS = sorted(
    path for name in ("auth", "operations", "replies") for path in Path("events", name).glob("*.json")
)
ANSWER_ID = "01KAKV5M3G0000000000000000"
USER_ID = "00000000-0000-4000-8000-000000000001"


def _auth(entrance: Entrance) -> Mapping[str, Any]:
    return {"login": entrance.login, "tokens": entrance.tokens, "users": entrance.users}


def _replies(entrance: Entrance) -> Mapping[str, Any]:
    kept = MemoryAnswers()
    kept.keep(an_answer(ANSWER_ID))
    replaying = Replaying(answers=kept, truth=MemoryDocuments(), asking=Assistant)
    return {
        "answering": Scripted(),
        "sessions": MemorySessions(),
        "replaying": replaying,
        "app_name": lambda: "Candor",
    }


def _operations(entrance: Entrance) -> Mapping[str, Any]:
    checks = dict.fromkeys(("dynamodb", "s3", "queues", "search", "vectors", "model"), lambda: None)
    numbers = Numbers()
    return {
        "health": Health(checks=checks),
        "app_name": lambda: "Candor",
        "docs_enabled": True,
        "scraping": numbers.scraping,
        "alerts": numbers.alerts,
    }


SERVICES: Mapping[str, Callable[[Entrance], Mapping[str, Any]]] = {
    "auth": _auth,
    "replies": _replies,
    "operations": _operations,
}


@dataclass(frozen=True, kw_only=True)
class Residents:
    """The user and the token that the events speak of."""

    user: User
    token: Token


def _inhabited(entrance: Entrance) -> Residents:
    user = replace(entrance.user("ada", Role.ADMIN), user_id=USER_ID)
    entrance.accounts._users = {USER_ID: user}
    entrance.tokens.make(user, name="old")
    [token] = entrance.accounts.tokens(USER_ID)
    entrance.accounts._tokens = {token.digest: replace(token, token_id=USER_ID)}
    return Residents(user=user, token=token)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_wire_event_is_answered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = importlib.import_module(f"functions.{path.parent.name}.app")
    entrance = Entrance()
    user = _inhabited(entrance).user
    gate: Gate = entrance.gate
    service = app.Service(gate=gate, **SERVICES[path.parent.name](entrance))
    monkeypatch.setattr(app, "service", lambda: service)
    text = path.read_text(encoding="utf-8")
    for name, value in (
        ("API_KEY", API_KEY),
        ("ADMIN_API_KEY", ADMIN_KEY),
        ("ACCESS_TOKEN", entrance.jwt(user)),
    ):
        text = text.replace(f"${{{name}}}", value)

    answer = answered(app.handler(json.loads(text), Context()))

    assert answer.status in (200, 201), answer.text
    event = json.loads(text)
    operation = described("Candor")["paths"][event["resource"]][event["httpMethod"].lower()]
    assert str(answer.status) in operation["responses"]
