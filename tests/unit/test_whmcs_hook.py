"""
The hook file for WHMCS. Where there is a PHP it is asked; elsewhere its structure has to do: what it signs,
what it sends, and that no way leads from it into a customer's ticket.
"""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from candor.signing import verify
from candor.whmcs.notes import receiving

HOOK = Path("infra/whmcs/candor.php")
TEXT = HOOK.read_text(encoding="utf-8")

_LITERALS = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
CODE = _LITERALS.sub(lambda found: "''" if found[0][0] in "'\"" else "", TEXT)
"""Without comments, and with every text empty."""


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no php here: its structure is tested alone")
def test_php_takes_it() -> None:
    checked = subprocess.run(["php", "-l", str(HOOK)], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_every_bracket_is_closed() -> None:
    pairs, opened = {")": "(", "]": "[", "}": "{"}, []
    for sign in CODE:
        if sign in pairs.values():
            opened.append(sign)
        elif sign in pairs:
            assert opened.pop() == pairs[sign]

    assert opened == []
    assert TEXT.startswith("<?php\n")
    assert "?>" not in CODE, "what stands behind it would be sent before WHMCS's own headers"


def test_every_statement_ends() -> None:
    lines = [line.strip() for line in CODE.splitlines() if line.strip()]

    wrong = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line[-1] not in ";{}(,|" and not following.startswith((")", "{", "}", "->")) and line != "<?php"
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "newer",
    [
        r"\bmatch\s*\(",
        r"\?->",
        r"\bfn\s*\(",
        r"\breadonly\b",
        r"\benum\b",
        r"\bstr_contains\b",
        r"#\[",
        r"\?\?=",
    ],
)
def test_nothing_in_it_is_newer_than_the_oldest_php(newer: str) -> None:
    assert not re.search(newer, CODE)


def test_it_is_off_until_somebody_switches_it_on() -> None:
    for name, value in (
        ("ENABLED", "false"),
        ("ENDPOINT", "''"),
        ("SECRET", "''"),
        ("DEPARTMENTS", "array()"),
    ):
        assert f"define('CANDOR_{name}', {value});" in TEXT
    first = TEXT.index("if (!CANDOR_ENABLED || CANDOR_ENDPOINT === '' || CANDOR_SECRET === '')")
    assert first < TEXT.index("json_encode(")


def test_it_hooks_into_new_tickets_and_customers_replies_and_into_nothing_else() -> None:
    assert re.findall(r"add_hook\('(\w+)', 1, function \(\$vars\)", TEXT) == list(receiving._EVENTS)


def test_a_failure_never_reaches_the_ticket() -> None:
    body = CODE[CODE.index("function candor_tell") : CODE.index("function candor_post")]

    assert body.index("try {") < body.index("CANDOR_ENABLED")
    assert "catch (\\Throwable $error)" in body
    assert not re.search(r"\b(?:throw|exit|localAPI|Capsule|update_query|header)\b", CODE)
    assert CODE.count("die(") == 1, "the one that every hook file begins with"


def test_it_waits_for_seconds_and_follows_nobody() -> None:
    settings = dict(re.findall(r"(CURLOPT_\w+) => (\w+)", TEXT))

    assert settings["CURLOPT_CONNECTTIMEOUT"] == "2"
    assert settings["CURLOPT_TIMEOUT"] == "3"
    assert settings["CURLOPT_FOLLOWLOCATION"] == "false"
    # Certificates are checked unless somebody says otherwise.
    assert not any("SSL_VERIFY" in name for name in settings)


def test_it_tells_what_candor_reads_and_nothing_else_of_the_customer() -> None:
    told = re.findall(r"'(\w+)' => ", TEXT[TEXT.index("json_encode(") : TEXT.index("JSON_UNESCAPED_UNICODE")])
    read = re.findall(r"\$vars\['(\w+)'\]", TEXT)

    assert set(told) == {"event", *read}
    assert set(read) == {
        "ticketid", "ticketmask", "replyid", "deptid", "deptname", "subject", "message", "priority", "userid",
    }  # fmt: skip


def test_what_it_signs_is_what_candor_verifies() -> None:
    [algorithm, data] = re.findall(r"hash_hmac\('(\w+)', (.+?), CANDOR_SECRET\)", TEXT)[0]
    [form] = re.findall(r"\$signature = (.+);", TEXT)
    assert (algorithm, data) == ("sha256", "$at . '.' . $body")
    assert form == "'t=' . $at . ',v1=' . hash_hmac('sha256', $at . '.' . $body, CANDOR_SECRET)"
    assert "'X-Candor-Signature: ' . $signature" in TEXT
    assert "'/v1/integrations/whmcs'" in TEXT
    secret, body, at = "a-secret-of-16-and", json.dumps({"event": "TicketOpen"}).encode(), 1_767_225_600

    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()

    verify(secret, body, f"t={at},v1={mac}", now=at)
