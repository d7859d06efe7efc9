"""docs/integrations.md is true: its routes exist, its code checks our signatures, its numbers are ours."""

import re
import time
from pathlib import Path
from typing import Any

from candor.config.bitrix24 import BITRIX24
from candor.config.whmcs_notes import WHMCS_NOTES
from candor.edge.routes import ROUTES
from candor.signing import signature
from candor.webhooks.delivering import BACK_OFF, GIVEN_UP_AFTER, REST_SECONDS, SECONDS
from candor.webhooks.values import MOST, Event

TEXT = Path("docs/integrations.md").read_text(encoding="utf-8")


def test_every_address_in_it_is_a_route() -> None:
    named = {path.rstrip("/") for path in re.findall(r"(?<=[`\"RL])(?:\$URL)?(/v1/[\w/{}$-]+)", TEXT)}
    known = {re.sub(r"{\w+}", "*", route.path) for route in ROUTES}

    shown = {re.sub(r"(\$ID|{\w+}|000000123|/dlq/message)", _placeholder, path) for path in named}
    assert len(shown) >= 8
    assert shown <= known


def _placeholder(found: re.Match[str]) -> str:
    return "/dlq/*" if found[0].startswith("/dlq") else "*"


def test_the_code_in_it_checks_what_we_sign() -> None:
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    secret, body, now = "whsec_example-of-a-secret", '{"id": "ü"}'.encode(), int(time.time())

    assert scope["is_candors"](secret, signature(secret, body, at=now), body)
    assert not scope["is_candors"](secret, signature("another-secret-of-16", body, at=now), body)
    assert not scope["is_candors"](secret, signature(secret, body, at=now), body + b" ")
    assert not scope["is_candors"](secret, signature(secret, body, at=now - 301), body)


def test_its_numbers_are_those_of_the_code() -> None:
    assert BACK_OFF == (10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
    assert "10 s, 30 s, 1, 2, 5, 10, 15, 30 minutes, 1, 2, 4 hours" in TEXT
    assert (SECONDS, REST_SECONDS, GIVEN_UP_AFTER, MOST) == (10, 10, 86_400, 20)
    for said in ("within ten seconds", "for ten seconds", "a day after the first try", "There may be 20."):
        assert said in TEXT


def test_it_tells_of_every_event_and_of_every_setting_it_shows() -> None:
    assert all(f"| `{event}` |" in TEXT for event in Event)
    shown = re.findall(r"config/(\w+) -H .*?-d '(.*?)'", TEXT, re.DOTALL)
    sections = {section.name: section for section in (BITRIX24, WHMCS_NOTES)}
    names = {
        (section, name)
        for section, body in shown
        if section in sections
        for name in re.findall(r'"(\w+)":', body)
    }

    assert {section for section, _ in names} == set(sections)
    for section, name in names:
        assert name in {setting.name for setting in sections[section].settings}
