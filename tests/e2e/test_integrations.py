"""Other systems on the local stack: told, written to, and told again after everything was killed."""

import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from candor.signing import signature
from tests.doubles.bitrix24 import TOKEN, WEBHOOK, Portal, event, form
from tests.doubles.listening import Listener
from tests.doubles.loopback import Reply
from tests.doubles.whmcs_site.site import IDENTIFIER, SECRET, WhmcsSite
from tests.e2e.running import RunningStack
from tests.ports import free_port
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PAGE = {
    "url": "https://integrations.example/axolotls",
    "title": "Axolotl rental",
    "raw_text": "An axolotl is rented for 9 days. The deposit for an axolotl is €431.00 and is paid by card.",
}
QUESTION = "For how many days is an axolotl rented?"
HOOK_SECRET = "secret-of-the-hook-file-0123"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("listener", "portal", "site")}


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, ports: dict[str, int]
) -> Iterator[RunningStack]:
    """One of its own: it is killed, and may speak to the doubles."""
    running = RunningStack(
        tmp_path_factory.mktemp("integrations"),
        MODEL_CACHE=str(model_cache),
        RATE_LIMIT_REQUESTS="0",
        FETCH_ALLOWED_ORIGINS=",".join(f"127.0.0.1:{port}" for port in ports.values()),
    )
    running.start()
    document_id = running.api("POST", "/v1/documents", PAGE).json["id"]
    until(lambda: running.api("GET", f"/v1/documents/{document_id}").json["status"] == "indexed")
    yield running
    running.stop()


def _hook(stack: RunningStack, url: str, *events: str) -> tuple[str, str]:
    made = stack.admin("POST", "/v1/admin/webhooks", {"url": url, "events": list(events)})
    assert made.status == 201, made.body
    stack.unspeakable.add(made.json["secret"])
    time.sleep(5.5)  # Every function has seen it by then.
    return made.json["id"], made.json["secret"]


def _put(stack: RunningStack, section: str, **values: Any) -> None:
    reply = stack.admin("PUT", f"/v1/admin/config/{section}", values)
    assert reply.status == 200, reply.body


def test_an_answer_and_a_job_are_told_once_with_signatures_anybody_can_check(
    stack: RunningStack, ports: dict[str, int]
) -> None:
    with Listener(port=ports["listener"]) as listener:
        hook_id, listener.secret = _hook(stack, f"{listener.url}/in", "answer", "escalation", "job")
        message = {"message_id": "e-1", "chat_id": "till 7", "text": QUESTION, "user": "client-42"}
        asked = stack.api("POST", "/v1/integrations/plain?wait=true", message)
        assert (asked.status, "9 days" in asked.json["answer"]) == (200, True)
        job = stack.admin("POST", "/v1/admin/reconcile").json["job_id"]

        def told(event: str) -> list[dict[str, Any]]:
            return [body["data"] for body in listener.heard if body["event"] == event]

        def ended() -> list[str]:
            """What was told of jobs that somebody asked for: schedules start their own every night."""
            ids = [data["job_id"] for data in told("job")]
            jobs = {job_id: stack.admin("GET", f"/v1/admin/jobs/{job_id}").json for job_id in set(ids)}
            return [job_id for job_id in ids if jobs[job_id]["created_by"] == "key:admin"]

        # Reconciling starts a second job, for tickets.
        until(lambda: told("answer") and len(ended()) == 2)
        time.sleep(3)

        assert all(map(listener.is_signed, listener.requests))
        assert len({body["id"] for body in listener.heard}) == len(listener.heard)
        assert job in ended()
        assert len(ended()) == 2
        [answer] = told("answer")
        assert answer["answer"] == asked.json["answer"]
        assert answer["in_reply_to"] == ["e-1"]
        assert answer["source_id"] == "plain:till 7"
        assert stack.admin("DELETE", f"/v1/admin/webhooks/{hook_id}").status == 204


def test_a_receiver_that_was_away_hears_of_it_when_it_is_back_even_after_a_kill(
    stack: RunningStack, ports: dict[str, int]
) -> None:
    hook_id, secret = _hook(stack, f"http://127.0.0.1:{ports['listener']}/in", "answer")
    stack.api(
        "POST",
        "/v1/integrations/plain?wait=true",
        {"message_id": "e-2", "chat_id": "c2", "text": "What is the deposit for an axolotl?"},
    )
    until(lambda: stack.admin("GET", f"/v1/admin/webhooks/{hook_id}").json["last_status"])
    assert stack.admin("GET", f"/v1/admin/webhooks/{hook_id}").json["last_status"]["status"] == "retrying"

    stack.kill()
    stack.start()
    with Listener(port=ports["listener"], secret=secret) as listener:
        until(lambda: listener.requests, seconds=120)

        assert listener.is_signed(listener.requests[0])
        assert "€431.00" in listener.heard[0]["data"]["answer"]
        until(
            lambda: (
                stack.admin("GET", f"/v1/admin/webhooks/{hook_id}").json["last_status"]["status"]
                == "delivered"
            )
        )
    assert stack.admin("DELETE", f"/v1/admin/webhooks/{hook_id}").status == 204


def test_a_message_that_was_accepted_is_answered_though_everything_is_killed(stack: RunningStack) -> None:
    messages = [
        {"message_id": f"k-{number}", "chat_id": f"k{number % 2}", "text": QUESTION} for number in range(6)
    ]
    for message in messages:
        assert stack.api("POST", "/v1/integrations/plain", message).status == 202

    stack.kill()
    stack.start()

    def states() -> list[str]:
        path = "/v1/integrations/plain"
        return [stack.api("GET", f"{path}/{message['message_id']}").json["status"] for message in messages]

    until(lambda: set(states()) == {"answered"}, seconds=120)


def test_two_at_once_are_one_message(stack: RunningStack) -> None:
    message = {"message_id": "twice", "chat_id": "t", "text": QUESTION}

    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(stack.api, "POST", "/v1/integrations/plain", message) for _ in range(6)]
        replies = [each.result() for each in sent]

    assert {reply.status for reply in replies} == {202}
    assert [reply.json["duplicate"] for reply in replies].count(False) == 1
    until(lambda: stack.api("GET", "/v1/integrations/plain/twice").json["status"] == "answered")
    talk = stack.api("GET", "/v1/integrations/plain/twice").json["conversation_id"]
    assert stack.api("GET", f"/v1/conversations/{talk}").json["messages_total"] == 2


def test_1c_in_windows_1251_is_understood_or_told_what_to_do(stack: RunningStack) -> None:
    text = json.dumps({"message_id": "1c", "chat_id": "касса", "text": "Привет"}, ensure_ascii=False)

    lost = stack.api(
        "POST",
        "/v1/integrations/plain",
        text.encode("cp1251"),
        Content_Type="application/json; charset=windows-1251",
    )
    kept = stack.api(
        "POST",
        "/v1/integrations/plain",
        text.encode("cp1251"),
        Content_Type="application/vnd.candor+json; charset=windows-1251",
    )

    assert (lost.status, "vnd.candor" in lost.json["detail"]) == (400, True)
    assert (kept.status, kept.json["chat_id"]) == (202, "касса")


def test_bitrix24_is_answered_and_handed_over(stack: RunningStack, ports: dict[str, int]) -> None:
    with Portal(port=ports["portal"]) as portal:
        assert stack.call("POST", "/v1/integrations/bitrix24", form(event()), Content_Type=FORM).status == 404
        _put(
            stack,
            "bitrix24",
            enabled=True,
            application_token=TOKEN,
            rest_url=portal.rest,
            rest_webhook=WEBHOOK,
        )
        time.sleep(5.5)
        portal.errors = [Reply(status=503, body={"error": "QUERY_LIMIT_EXCEEDED"})]

        def send(fields: dict[str, str]) -> int:
            return stack.call("POST", "/v1/integrations/bitrix24", form(fields), Content_Type=FORM).status

        assert send(event(QUESTION, 17, **{"auth[application_token]": "wrong"})) == 403
        assert [send(event(QUESTION, 17)) for _ in range(2)] == [202, 202]
        until(lambda: portal.told)
        assert send(event("talk to a person", 18)) == 202
        until(lambda: len(portal.calls) == 3)

        assert "9 days" in portal.told[0]
        assert [method for method, _ in portal.calls] == [
            "imbot.message.add",
            "imbot.message.add",
            "imopenlines.bot.session.operator",
        ]
        shown = stack.admin("GET", "/v1/admin/config/bitrix24").json
        assert shown["application_token"] == f"…{TOKEN[-4:]}"
        assert WEBHOOK not in json.dumps(shown)


def test_a_ticket_in_whmcs_gets_a_draft(stack: RunningStack, ports: dict[str, int]) -> None:
    with WhmcsSite(port=ports["site"]) as site:
        _put(stack, "whmcs", base_url=site.base, api_identifier=IDENTIFIER, api_secret=SECRET)
        _put(stack, "whmcs_notes", enabled=True, secret=HOOK_SECRET, departments=["Billing"])
        time.sleep(5.5)
        ticket = min(site.truths)
        body = json.dumps(
            {
                "event": "TicketOpen",
                "ticketid": ticket,
                "deptname": "Billing",
                "subject": "Rental",
                "message": QUESTION,
            }
        ).encode()

        def post(signed: str) -> int:
            return stack.call("POST", "/v1/integrations/whmcs", body, X_Candor_Signature=signed).status

        now = int(time.time())
        # As the hook file makes it.
        mac = hmac.new(HOOK_SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        assert post(f"t={now},v1={mac}") == 202
        assert post(signature(HOOK_SECRET, body, at=now)) == 202
        assert post(signature(HOOK_SECRET, body, at=now - 400)) == 403

        def drafts() -> list[str]:
            return [note for note in site.truths[ticket].notes if "Draft by Candor" in note]

        until(drafts)
        time.sleep(2)
        [note] = drafts()
        assert "9 days" in note
        assert PAGE["url"] in note
        assert site.changes == []


def test_hostile_forms_cost_an_answer_and_nothing_else(stack: RunningStack) -> None:
    for raw in (
        b"&".join(b"data[%d][a]=1" % n for n in range(10_000)),
        b"data" + b"[a]" * 20_000 + b"=1",
        b"a=%FF%FE",
        b"x=" + b"y" * 1_000_000,
        urllib.parse.urlencode({"event": "ONIMBOTMESSAGEADD", "auth": "x"}).encode(),
    ):
        reply = stack.call("POST", "/v1/integrations/bitrix24", raw, Content_Type=FORM)
        assert reply.status in (400, 403, 404, 413)
        assert reply.json["detail"]


def test_secrets_and_words_stay_out_of_the_log(stack: RunningStack) -> None:
    log = "".join(stack.log)

    for word in (*stack.unspeakable, TOKEN, WEBHOOK, HOOK_SECRET, SECRET, "axolotl"):
        assert word not in log
