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
import time
from pathlib import Path

import pytest

from candor.signing import verify
from candor.whmcs.notes import receiving
from tests.doubles.loopback import Loopback, Reply, Request
from tests.waiting import until

HOOK = Path("infra/whmcs/candor.php")
TEXT = HOOK.read_text(encoding="utf-8")

_LITERALS = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
CODE = _LITERALS.sub(lambda found: "''" if found[0][0] in "'\"" else "", TEXT)
"""Without comments, and with every text empty."""


needs_php = pytest.mark.skipif(
    shutil.which("php") is None, reason="there is no php here: its structure is tested alone"
)
SECRET = "a-secret-of-16-and-more"

WHMCS = """
<?php
define('WHMCS', true);
$hooks = array();
function add_hook($name, $priority, $does) { global $hooks; $hooks[$name] = $does; }
function logActivity($line) { fwrite(STDOUT, $line . "\\n"); }
require $argv[1];
$hooks[$argv[2]](json_decode($argv[3], true));
echo 'the ticket went on';
""".lstrip()
"""What of WHMCS a hook file sees."""

TICKET = {
    "ticketid": 7,
    "ticketmask": "ABC-123",
    "deptid": 3,
    "deptname": "Support",
    "subject": 'Ärger mit "DNS"',
    "message": "Es geht nicht. \U0001f641 </script>",
    "priority": "High",
    "userid": 12,
    "email": "nobody.is@told.example",
    "customfields": {"password": "nor of this"},
}


class Candor(Loopback):
    """Takes what the hook sends."""

    def __init__(self, status: int = 202) -> None:
        super().__init__()
        self.status = status

    def reply(self, request: Request) -> Reply:
        return Reply(status=self.status, body={"detail": "x"})


def hooked(folder: Path, endpoint: str, *, departments: str = "array()", event: str = "TicketOpen") -> str:
    """What the activity log and the page show after WHMCS called the hook."""
    (folder / "whmcs.php").write_text(WHMCS)
    text = TEXT.replace("define('CANDOR_ENABLED', false)", "define('CANDOR_ENABLED', true)")
    text = text.replace("define('CANDOR_ENDPOINT', '')", f"define('CANDOR_ENDPOINT', '{endpoint}')")
    text = text.replace("define('CANDOR_SECRET', '')", f"define('CANDOR_SECRET', '{SECRET}')")
    text = text.replace(
        "define('CANDOR_DEPARTMENTS', array())", f"define('CANDOR_DEPARTMENTS', {departments})"
    )
    (folder / "candor.php").write_text(text)
    words = ["php", str(folder / "whmcs.php"), str(folder / "candor.php"), event, json.dumps(TICKET)]
    run = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert run.stderr == ""
    return run.stdout


@needs_php
def test_php_takes_it() -> None:
    checked = subprocess.run(["php", "-l", str(HOOK)], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


@needs_php
@pytest.mark.parametrize("event", ["TicketOpen", "TicketUserReply"])
def test_what_php_sends_is_signed_and_holds_the_ticket_alone(tmp_path: Path, event: str) -> None:
    with Candor() as candor:
        said = hooked(tmp_path, f"{candor.url}/prod/", event=event)
        until(lambda: candor.requests)  # The hook waits for nobody's answer longer than three seconds.
        [sent] = candor.requests

    assert said == "the ticket went on"
    assert (sent.method, sent.path) == ("POST", "/prod/v1/integrations/whmcs")
    verify(SECRET, sent.body, sent.headers["x-candor-signature"], now=time.time())
    told = json.loads(sent.body)
    assert told == {"event": event, "replyid": 0} | {
        name: value for name, value in TICKET.items() if name not in ("email", "customfields")
    }


@needs_php
@pytest.mark.parametrize(("departments", "heard"), [("array(3)", 1), ("array('3')", 1), ("array(1, 2)", 0)])
def test_only_the_departments_that_are_named_are_told(tmp_path: Path, departments: str, heard: int) -> None:
    with Candor() as candor:
        hooked(tmp_path, candor.url, departments=departments)

        until(lambda: len(candor.requests) >= heard)
        assert len(candor.requests) == heard


@needs_php
def test_a_candor_that_refuses_or_is_away_is_a_line_in_the_log_and_no_more(tmp_path: Path) -> None:
    with Candor(status=403) as candor:
        refused, url = hooked(tmp_path, candor.url), candor.url
    away = hooked(tmp_path, url)

    assert refused == "Candor: no draft was asked for: Candor answered with status 403\nthe ticket went on"
    assert away.startswith("Candor: no draft was asked for: ")
    assert away.endswith("\nthe ticket went on")
    assert "DNS" not in refused + away


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
