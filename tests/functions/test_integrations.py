"""Other systems, through the real handlers: webhooks, plain messages, Bitrix24 and WHMCS."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from candor.conversations.values import SourceType
from candor.edge.openapi import described
from candor.inbox.values import Source, State
from candor.sessions import customer_key
from candor.signing import signature
from candor.webhooks.values import MOST, Event
from functions.answer_messages import app as worker
from functions.integrations import app
from tests.doubles.bitrix24 import TOKEN, WEBHOOK, Portal, event, form, newer_event
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered
from tests.doubles.integrations import Integrations
from tests.doubles.knowledge import Deferred, Graves
from tests.doubles.loopback import Reply
from tests.doubles.whmcs_site.site import IDENTIFIER, SECRET, WhmcsSite
from tests.waiting import until

PLAIN = "/v1/integrations/plain"
HOOKS = "/v1/admin/webhooks"
BITRIX24 = "/v1/integrations/bitrix24"
WHMCS = "/v1/integrations/whmcs"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
HOOK_SECRET = "secret-of-the-hook-file"
MESSAGE = {"message_id": "0001", "chat_id": "till-7", "text": "How long?", "user": "client-42"}


@dataclass
class Desk:
    http: Http
    made: Integrations
    entrance: Entrance
    graves: Graves = field(default_factory=Graves)

    @property
    def admin(self) -> Http:
        return Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)

    @property
    def nobody(self) -> Http:
        return Http(app.handler)

    def put(self, section: str, **values: Any) -> None:
        self.made.configuration.put(section, values, by="ada")

    def event(self, fields: dict[str, str], **headers: str) -> Answered:
        http = self.nobody.as_(**{"Content_Type": FORM, **headers})
        return http.post(BITRIX24, raw=form(fields).decode())

    def ticket(self, body: object, *, secret: str = HOOK_SECRET, at: float | None = None) -> Answered:
        raw = json.dumps(body)
        signed = signature(secret, raw.encode(), at=int(time.time() if at is None else at))
        return self.nobody.as_(X_Candor_Signature=signed).post(WHMCS, raw=raw)


def _desk(monkeypatch: pytest.MonkeyPatch, *origins: str, **gate: Any) -> Desk:
    entrance, made = Entrance(**gate), Integrations(origins=origins)
    service = app.Service(
        gate=entrance.gate,
        webhooks=made.webhooks,
        receiving=made.receiving,
        conversations=made.talks.access,
        bitrix24=made.bitrix24,
        whmcs=made.whmcs,
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Desk(Http(app.handler).as_(X_API_Key=API_KEY), made, entrance)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return _desk(monkeypatch, "127.0.0.1:9")


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal() as portal:
        yield portal


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, portal: Portal) -> Desk:
    """With Bitrix24 switched on."""
    desk = _desk(monkeypatch, portal.origin)
    desk.put(
        "bitrix24",
        enabled=True,
        application_token=TOKEN,
        rest_url=portal.rest,
        rest_webhook=WEBHOOK,
        client_id="c-1",
    )
    return desk


@pytest.fixture
def site() -> Iterator[WhmcsSite]:
    with WhmcsSite() as site:
        yield site


@pytest.fixture
def billing(monkeypatch: pytest.MonkeyPatch, site: WhmcsSite) -> Desk:
    """With drafts in WHMCS switched on."""
    desk = _desk(monkeypatch, site.origin)
    desk.put("whmcs", base_url=site.base, api_identifier=IDENTIFIER, api_secret=SECRET)
    desk.put("whmcs_notes", enabled=True, secret=HOOK_SECRET)
    return desk


# ---------------------------------------------------------------- webhooks
def test_a_webhook_is_made_shown_changed_and_removed(desk: Desk) -> None:
    made = desk.admin.post(HOOKS, {"url": "http://127.0.0.1:9/in", "events": ["answer", "job"]})

    assert made.status == 201
    assert made.json["secret"].startswith("whsec_")
    one = f"{HOOKS}/{made.json['id']}"
    shown = {name: value for name, value in made.json.items() if name != "secret"}
    assert desk.admin.get(HOOKS).json == [shown]
    assert desk.admin.get(one).json == shown
    assert (shown["enabled"], shown["last_status"]) == (True, None)
    changed = desk.admin.send("PUT", one, body={"enabled": False, "events": ["escalation"]})
    assert changed.status == 200
    assert (changed.json["url"], changed.json["enabled"]) == (shown["url"], False)
    assert changed.json["events"] == ["escalation"]
    ping = desk.admin.post(f"{one}/test")
    assert (ping.status, ping.json["status"]) == (202, "queued")
    assert len(desk.made.webhook_queue) == 1
    assert desk.admin.delete(one).status == 204
    assert [desk.admin.get(one).status, desk.admin.delete(one).status] == [404, 404]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"url": "http://169.254.169.254/", "events": ["answer"]}, 400),
        ({"url": "ftp://example.com/", "events": ["answer"]}, 400),
        ({"url": "http://127.0.0.1:9/"}, 422),
        ({"url": "http://127.0.0.1:9/", "events": []}, 422),
        ({"url": "http://127.0.0.1:9/", "events": ["everything"]}, 422),
        ({"url": "http://127.0.0.1:9/", "events": ["answer"], "secret": "short"}, 422),
        ({"events": ["answer"]}, 422),
        ([], 422),
    ],
)
def test_a_webhook_that_cannot_be_meant_is_refused(desk: Desk, body: object, status: int) -> None:
    answer = desk.admin.post(HOOKS, body)

    assert (answer.status, bool(answer.json["detail"])) == (status, True)
    assert desk.admin.get(HOOKS).json == []


def test_there_is_an_end_to_webhooks(desk: Desk) -> None:
    body = {"url": "http://127.0.0.1:9/", "events": ["answer"]}

    statuses = [desk.admin.post(HOOKS, body).status for _ in range(MOST + 1)]

    assert statuses == [201] * MOST + [409]


def test_webhooks_are_for_administrators(desk: Desk) -> None:
    assert desk.http.get(HOOKS).status == 403
    assert desk.nobody.get(HOOKS).status == 401


# ---------------------------------------------------------------- plain
def test_a_plain_message_is_accepted_answered_and_asked_for(desk: Desk) -> None:
    accepted = desk.http.post(PLAIN, MESSAGE)
    assert accepted.status == 202
    assert (accepted.json["accepted"], accepted.json["duplicate"]) == (True, False)
    assert desk.http.get(f"{PLAIN}/0001").json["status"] == "pending"

    assert desk.made.work() == {}

    told = desk.http.get(f"{PLAIN}/0001")
    assert told.status == 200
    assert (told.json["status"], told.json["answer"], told.json["decision"]) == (
        "answered",
        "<How long?>",
        "PASS",
    )
    assert told.json["citations"][0]["source_url"] == "https://example.com/refunds"
    [talk] = desk.made.talks.store.list(page=1, page_size=9)[0]
    assert (talk.source_type, talk.source_id) == (SourceType.LIVECHAT, "plain:till-7")
    assert talk.customers == {customer_key("client-42")}
    assert desk.made.talks.assistant.asked[0].external_user_id == "client-42"


def test_the_same_message_again_is_a_duplicate_and_is_answered_once(desk: Desk) -> None:
    for expected in (False, True):
        assert desk.http.post(PLAIN, MESSAGE).json["duplicate"] is expected
    assert len(desk.made.queue) == 2, "after a kill between row and queue, the duplicate sends again"
    desk.made.work()

    answered = desk.http.post(PLAIN, MESSAGE)

    assert (answered.json["status"], answered.json["answer"]) == ("answered", "<How long?>")
    assert len(desk.made.queue) == 0
    assert len(desk.made.talks.assistant.asked) == 1


def test_a_message_belongs_to_the_key_that_sent_it(desk: Desk) -> None:
    desk.http.post(PLAIN, MESSAGE)
    desk.made.work()

    assert desk.admin.get(f"{PLAIN}/0001").status == 404
    assert desk.nobody.get(f"{PLAIN}/0001").status == 401
    assert desk.admin.post(PLAIN, MESSAGE).json["duplicate"] is False


def test_a_burst_of_a_chat_is_answered_once_and_each_message_has_the_answer(desk: Desk) -> None:
    for number, text in enumerate(["How long", "for a refund", "by card?"]):
        desk.http.post(PLAIN, {**MESSAGE, "message_id": f"b{number}", "text": text})

    desk.made.work()

    told = [desk.http.get(f"{PLAIN}/b{number}").json["answer"] for number in range(3)]
    assert told == ["<How long\nfor a refund\nby card?>"] * 3
    assert len(desk.made.talks.assistant.asked) == 1


def test_chats_are_conversations_of_their_own_and_go_on(desk: Desk) -> None:
    for number, chat in ((1, "a"), (2, "b"), (3, "a")):
        desk.http.post(PLAIN, {**MESSAGE, "message_id": f"c{number}", "chat_id": chat})
        desk.made.work()

    talks, total = desk.made.talks.store.list(page=1, page_size=9)
    assert total == 2
    assert sorted(talk.message_count for talk in talks) == [2, 4]
    assert [len(question.history) for question in desk.made.talks.assistant.asked] == [0, 0, 2]


def test_who_asks_for_a_person_is_escalated(desk: Desk) -> None:
    desk.http.post(PLAIN, {**MESSAGE, "text": "talk to a person"})
    desk.made.work()

    told = desk.http.get(f"{PLAIN}/0001").json
    assert (told["status"], told["decision"]) == ("escalated", "ESCALATE")
    assert told["answer"]


def test_where_a_person_has_taken_over_nothing_is_said(desk: Desk) -> None:
    from tests.doubles.talks import ADMIN

    desk.http.post(PLAIN, MESSAGE)
    desk.made.work()
    [talk] = desk.made.talks.store.list(page=1, page_size=9)[0]
    desk.made.talks.conversing.take_over(talk.conversation_id, ADMIN)
    desk.http.post(PLAIN, {**MESSAGE, "message_id": "0002"})
    desk.made.work()

    told = desk.http.get(f"{PLAIN}/0002").json
    assert (told["status"], told["decision"], told["answer"]) == ("escalated", "ESCALATE", None)


def test_waiting_gets_the_answer_in_the_same_call(desk: Desk) -> None:
    def work() -> None:
        until(lambda: desk.made.work() or desk.made.talks.assistant.asked)

    thread = threading.Thread(target=work)
    thread.start()
    answer = desk.http.post(PLAIN, MESSAGE, query={"wait": "true"})
    thread.join()

    assert (answer.status, answer.json["status"], answer.json["answer"]) == (200, "answered", "<How long?>")
    assert answer.json["accepted"] is True


def test_waiting_too_long_is_202_as_if_nobody_had_waited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "WAIT_SECONDS", 0.1)

    answer = desk.http.post(PLAIN, MESSAGE, query={"wait": "1"})

    assert (answer.status, answer.json["status"]) == (202, "pending")


@pytest.mark.parametrize("names", [("message_id", 123), ("chat_id", 7), ("user", 42)])
def test_numbers_are_ids_too(desk: Desk, names: tuple[str, int]) -> None:
    assert desk.http.post(PLAIN, {**MESSAGE, names[0]: names[1]}).status == 202


@pytest.mark.parametrize(
    "more",
    [
        {"message_id": ""},
        {"message_id": "x" * 257},
        {"message_id": True},
        {"chat_id": " "},
        {"chat_id": None},
        {"text": " \n"},
        {"text": "x" * 10_001},
        {"text": "a\x00"},
        {"text": ["a"]},
        {"user": "a\nb"},
        {"user": "x" * 129},
        {"user": "\ud800"},
    ],
)
def test_a_message_that_cannot_be_meant_is_422(desk: Desk, more: dict[str, object]) -> None:
    assert desk.http.post(PLAIN, {**MESSAGE, **more}).status == 422
    assert len(desk.made.queue) == 0


def test_1c_may_send_windows_1251_if_it_arrives_as_it_was_sent(desk: Desk) -> None:
    raw = json.dumps({**MESSAGE, "text": "Сколько ждать?"}, ensure_ascii=False).encode("cp1251")
    kind = "application/vnd.candor+json; charset=windows-1251"

    sent = desk.http.as_(Content_Type=kind).post(PLAIN, raw=base64.b64encode(raw).decode(), encoded=True)
    desk.made.work()

    assert sent.status == 202
    assert desk.made.talks.assistant.asked[0].text == "Сколько ждать?"


def test_letters_that_the_gateway_has_lost_are_refused_with_the_way_out(desk: Desk) -> None:
    lost = json.dumps({**MESSAGE, "text": "\ufffd\ufffd\ufffd"}, ensure_ascii=False)

    answer = desk.http.as_(Content_Type="application/json; charset=windows-1251").post(PLAIN, raw=lost)

    assert answer.status == 400
    assert "application/vnd.candor+json" in answer.json["detail"]


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "koi8-r", "nonsense"])
def test_other_charsets_are_415_with_a_sentence(desk: Desk, charset: str) -> None:
    answer = desk.http.as_(Content_Type=f"application/json; charset={charset}").post(PLAIN, MESSAGE)

    assert (answer.status, "UTF-8" in answer.json["detail"]) == (415, True)


def test_two_at_once_are_one_message(desk: Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.http.post(PLAIN, MESSAGE).json["duplicate"], range(8)))
    desk.made.work()

    assert answers.count(False) == 1
    assert len(desk.made.talks.assistant.asked) == 1


def test_an_erased_customer_is_not_answered_after_all(desk: Desk) -> None:
    desk.http.post(PLAIN, MESSAGE)
    job = desk.made.talks.desk.begin("client-42", created_by="ada")

    desk.made.talks.erasing.go_on(job.job_id, seconds=5)
    desk.made.work()

    assert desk.http.get(f"{PLAIN}/0001").status == 404
    assert desk.made.talks.assistant.asked == []


def test_what_was_erased_after_its_answer_is_told_no_more(desk: Desk) -> None:
    desk.http.post(PLAIN, MESSAGE)
    desk.made.work()
    job = desk.made.talks.desk.begin("client-42", created_by="ada")

    desk.made.talks.erasing.go_on(job.job_id, seconds=5)

    assert desk.http.get(f"{PLAIN}/0001").status == 404


def test_a_chat_whose_conversation_was_deleted_goes_on_in_a_new_one(desk: Desk) -> None:
    from tests.doubles.talks import ADMIN

    desk.http.post(PLAIN, MESSAGE)
    desk.made.work()
    [talk] = desk.made.talks.store.list(page=1, page_size=9)[0]
    desk.made.talks.conversing.delete(talk.conversation_id, ADMIN)

    desk.http.post(PLAIN, {**MESSAGE, "message_id": "0002"})

    assert desk.made.work() == {}
    assert desk.http.get(f"{PLAIN}/0002").json["status"] == "answered"
    assert desk.http.get(f"{PLAIN}/0001").json["answer"] is None


# ---------------------------------------------------------------- Bitrix24
@pytest.mark.parametrize("fields", [event("How long?"), newer_event("How long?")], ids=["first", "second"])
def test_a_customer_in_an_open_line_is_answered(line: Desk, portal: Portal, fields: dict[str, str]) -> None:
    answer = line.event(fields)

    assert (answer.status, answer.json) == (202, {"accepted": True, "duplicate": False, "reason": ""})
    assert line.made.work() == {}
    assert portal.calls == [
        (
            "imbot.message.add",
            {"DIALOG_ID": "chat5", "MESSAGE": "<How long?>", "BOT_ID": "39", "CLIENT_ID": "c-1"},
        )
    ]
    [talk] = line.made.talks.store.list(page=1, page_size=9)[0]
    assert (talk.source_type, talk.source_id) == (SourceType.LIVECHAT, "bitrix24:chat5")


def test_a_customer_in_need_of_a_person_is_told_so_and_handed_over(line: Desk, portal: Portal) -> None:
    line.event(event("talk to a person"))
    line.made.work()

    assert [method for method, _ in portal.calls] == ["imbot.message.add", "imopenlines.bot.session.operator"]
    assert portal.calls[1][1] == {"CHAT_ID": "5", "CLIENT_ID": "c-1"}


def test_a_named_operator_gets_the_chat(line: Desk, portal: Portal) -> None:
    line.put("bitrix24", operator="12")
    line.event(event("talk to a person"))
    line.made.work()

    method, fields = portal.calls[1]
    assert method == "imopenlines.bot.session.transfer"
    assert (fields["USER_ID"], fields["CHAT_ID"]) == ("12", "5")


def test_the_same_event_again_is_answered_once(line: Desk, portal: Portal) -> None:
    duplicates = [line.event(event()).json["duplicate"] for _ in range(3)]
    line.made.work()
    line.event(event())
    line.made.work()

    assert duplicates == [False, True, True]
    assert portal.told == ["<How long?>"]


def test_a_burst_is_told_one_answer(line: Desk, portal: Portal) -> None:
    line.event(event("How long", 17))
    line.event(event("for a refund?", 18))
    line.made.work()

    assert portal.told == ["<How long\nfor a refund?>"]


@pytest.mark.parametrize(
    "error",
    [
        Reply(status=503, body={"error": "QUERY_LIMIT_EXCEEDED"}),
        Reply(status=500, body=b"<h1>down</h1>", headers={"Content-Type": "text/html"}),
        Reply(status=200, body={"error": "SOMETHING_NEW"}),
        Reply(status=200, body=b"{}", cut=True),
    ],
    ids=["limit", "500", "unknown error", "broken off"],
)
def test_what_may_pass_is_tried_again_and_told_once(line: Desk, portal: Portal, error: Reply) -> None:
    portal.errors = [error]
    line.event(event())

    assert len(line.made.work()) == 1
    assert line.made.work() == {}
    assert portal.told == ["<How long?>"]
    assert len(line.made.talks.assistant.asked) == 1


def test_what_is_refused_is_given_up_with_an_alert_and_can_be_redriven(line: Desk, portal: Portal) -> None:
    portal.errors = [Reply(status=400, body={"error": "BOT_ID_ERROR", "error_description": "No bot"})]
    line.event(event())

    [error] = line.made.work().values()
    [alert] = line.made.alerts.list()
    assert "bot_id" in str(error)
    assert "bot_id" in alert.message
    assert WEBHOOK not in alert.message

    assert line.made.work() == {}
    assert (portal.told, line.made.alerts.list()) == (["<How long?>"], [])


def test_a_killed_worker_is_followed_by_one_that_tells_the_rest(line: Desk, portal: Portal) -> None:
    portal.errors = []
    line.event(event("talk to a person"))
    portal_reply, calls = portal.reply, []

    def dies(request: Any) -> Reply:
        calls.append(request.path)
        return portal_reply(request) if len(calls) != 2 else Reply(status=500, body={})

    portal.reply = dies  # type: ignore[method-assign]
    line.made.work()
    line.made.work()

    assert [method for method, _ in portal.calls] == ["imbot.message.add", "imopenlines.bot.session.operator"]


def test_without_a_webhook_the_events_own_token_opens_the_portal(line: Desk, portal: Portal) -> None:
    line.put("bitrix24", rest_webhook="")
    line.event(event())
    kept = next(iter(line.made.inbox._kept.values()))
    assert kept.sealed
    assert "event-token" not in repr(kept) + kept.sealed

    line.made.work()

    assert portal.told == ["<How long?>"]
    assert next(iter(line.made.inbox._kept.values())).sealed == ""


def test_an_event_cannot_choose_where_its_answer_goes(line: Desk, portal: Portal) -> None:
    line.event(event(**{"auth[client_endpoint]": "http://127.0.0.1:9/rest/", "auth[domain]": "evil.test"}))

    assert line.made.work() == {}
    assert portal.told == ["<How long?>"]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "0", "ü" * 32])
def test_a_wrong_application_token_is_403(line: Desk, token: str) -> None:
    answer = line.event(event(**{"auth[application_token]": token}))

    assert answer.status == 403
    assert len(line.made.queue) == 0


def test_while_it_is_off_there_is_nothing_there(line: Desk) -> None:
    line.put("bitrix24", enabled=False)

    assert line.event(event()).status == 404


def test_switched_off_in_between_the_message_waits_with_its_reason(line: Desk, portal: Portal) -> None:
    line.event(event())
    line.put("bitrix24", enabled=False)

    [error] = line.made.work().values()

    assert "switched off" in str(error)
    assert portal.calls == []


def test_a_line_that_was_not_named_is_passed_over(line: Desk) -> None:
    line.put("bitrix24", lines=["8"])
    passed = line.event(event()).json
    line.put("bitrix24", lines=["7", "8"])

    assert (passed["accepted"], bool(passed["reason"])) == (False, True)
    assert line.event(event()).json["accepted"] is True


def test_the_end_of_the_bot_raises_an_alert(line: Desk) -> None:
    assert line.event(event(event="ONIMBOTDELETE")).status == 202
    assert [alert.alert_id for alert in line.made.alerts.list()] == ["bitrix24"]


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (json.dumps(event()), "application/json", 415),
        ("event=ONIMBOTMESSAGEADD&x=%FF", FORM, 400),
        ("&".join(f"data[a][{n}]=1" for n in range(10_000)), FORM, 400),
        ("data" + "[a]" * 20_000 + "=1", FORM, 403),
        ("x=" + "y" * 300_000, FORM, 413),
        ("", FORM, 403),
    ],
    ids=["json", "bad utf-8", "10,000 keys", "20,000 deep", "huge", "empty"],
)
def test_a_form_of_somebody_else_is_refused(line: Desk, raw: str, content_type: str, status: int) -> None:
    answer = line.nobody.as_(Content_Type=content_type).post(BITRIX24, raw=raw)

    assert (answer.status, bool(answer.json["detail"])) == (status, True)


# ---------------------------------------------------------------- WHMCS
def opened(ticket: int, **more: object) -> dict[str, object]:
    return {
        "event": "TicketOpen",
        "ticketid": ticket,
        "ticketmask": "ABC-123456",
        "deptid": 1,
        "deptname": "Billing",
        "subject": "Refund &amp; card",
        "message": "How long?",
        "priority": "Medium",
        "userid": 42,
        **more,
    }


def first(site: WhmcsSite) -> int:
    return min(site.truths)


def notes(site: WhmcsSite, ticket: int) -> list[str]:
    return [note for note in site.truths[ticket].notes if "Candor" in note]


def test_a_new_ticket_gets_a_draft_that_says_what_it_is(billing: Desk, site: WhmcsSite) -> None:
    ticket = first(site)
    answer = billing.ticket(opened(ticket))

    assert (answer.status, answer.json) == (202, {"accepted": True, "duplicate": False, "reason": ""})
    assert billing.made.work() == {}
    [note] = notes(site, ticket)
    assert "<Refund & card\n\nHow long?>" in note
    for said in ("Draft by Candor", "Not sent to the customer", "PASS", "91 %", "Refunds take 14 days."):
        assert said in note
    assert "https://example.com/refunds" in note
    assert site.changes == []
    [talk] = billing.made.talks.store.list(page=1, page_size=9)[0]
    assert (talk.source_type, talk.source_id) == (SourceType.TICKET, f"whmcs:{ticket}")
    assert talk.metadata["ticket"] == "ABC-123456"
    assert talk.customers == {customer_key("whmcs:42")}


def test_a_reply_gets_a_draft_that_knows_what_was_said(billing: Desk, site: WhmcsSite) -> None:
    ticket = first(site)
    billing.ticket(opened(ticket))
    billing.made.work()

    billing.ticket(opened(ticket, event="TicketUserReply", replyid=7, message="And by card?"))
    billing.made.work()

    assert len(notes(site, ticket)) == 2
    assert billing.made.talks.assistant.asked[1].text == "And by card?"
    assert len(billing.made.talks.assistant.asked[1].history) == 2


def test_a_replay_writes_no_second_note(billing: Desk, site: WhmcsSite) -> None:
    body = opened(first(site))
    answers = [billing.ticket(body).json["duplicate"] for _ in range(2)]
    billing.made.work()
    answers.append(billing.ticket(body).json["duplicate"])
    billing.made.work()

    assert answers == [False, True, True]
    assert len(notes(site, first(site))) == 1


def test_a_worker_killed_after_its_note_is_followed_by_one_that_sees_it(
    billing: Desk, site: WhmcsSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing.ticket(opened(first(site)))
    with monkeypatch.context() as dying:
        dying.setattr(billing.made.inbox, "told", _dies)
        assert len(billing.made.work()) == 1
    billing.made.inbox._clock = lambda: time.time() + 3_600

    assert billing.made.work() == {}
    assert len(notes(site, first(site))) == 1


def _dies(*_: object) -> None:
    raise RuntimeError("killed here")


@pytest.mark.parametrize(
    ("departments", "accepted"), [([], True), (["1"], True), (["billing"], True), (["Sales", "2"], False)]
)
def test_drafts_are_switched_on_by_department(
    billing: Desk, site: WhmcsSite, departments: list[str], accepted: bool
) -> None:
    billing.put("whmcs_notes", departments=departments)

    assert billing.ticket(opened(first(site))).json["accepted"] is accepted


@pytest.mark.parametrize("seconds", [-301, 360])
def test_a_signature_of_another_time_is_403(billing: Desk, site: WhmcsSite, seconds: int) -> None:
    # One of the future comes nearer while it travels; its exact bounds are those of `candor.signing`.
    assert billing.ticket(opened(first(site)), at=time.time() + seconds).status == 403


def test_only_who_has_the_secret_is_heard(billing: Desk, site: WhmcsSite) -> None:
    body = opened(first(site))

    assert billing.ticket(body, secret="another-secret-of-16").status == 403
    assert billing.nobody.post(WHMCS, body).status == 403
    billing.put("whmcs_notes", enabled=False)
    assert billing.ticket(body).status == 404
    assert len(billing.made.queue) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 422),
        ({}, 422),
        ({"event": "TicketClose", "ticketid": 1}, 422),
        ({"event": "TicketOpen", "ticketid": "1; drop"}, 422),
        ({"event": "TicketOpen", "ticketid": True}, 422),
        ({"event": "TicketOpen", "ticketid": 10**20}, 422),
        ({"event": "TicketUserReply", "ticketid": 1}, 422),
        ({"event": "TicketOpen", "ticketid": 1, "message": "x" * 600_000}, 413),
    ],
)
def test_what_no_hook_file_sends_is_refused(billing: Desk, body: object, status: int) -> None:
    assert billing.ticket(body).status == status


@pytest.mark.parametrize("raw", ["", "{", "[" * 50_000, '{"a": \ud800}'])
def test_what_is_no_json_is_400_once_it_is_signed(billing: Desk, raw: str) -> None:
    sent = raw.encode("utf-8", "surrogatepass")
    signed = signature(HOOK_SECRET, sent, at=int(time.time()))

    answer = billing.nobody.as_(X_Candor_Signature=signed).post(
        WHMCS, raw=base64.b64encode(sent).decode(), encoded=True
    )

    assert answer.status == 400


def test_texts_that_mean_no_good_are_text(billing: Desk, site: WhmcsSite) -> None:
    hostile = "\u202e\ud83d\ude00 </script> {{7*7}} \x00 %s" + "\ud800"

    assert billing.ticket(opened(first(site), message=hostile, subject=hostile)).status == 202
    assert billing.made.work() == {}
    assert len(notes(site, first(site))) == 1


def test_a_ticket_that_is_gone_costs_nothing(billing: Desk) -> None:
    billing.ticket(opened(999_999))

    assert billing.made.work() == {}
    assert billing.made.alerts.list() == []


def test_credentials_that_open_nothing_are_an_alert_and_wait(billing: Desk, site: WhmcsSite) -> None:
    billing.put("whmcs", api_secret="wrong-secret-of-the-api")
    billing.ticket(opened(first(site)))

    [error] = billing.made.work().values()

    assert "api_identifier" in str(error)
    [alert] = billing.made.alerts.list()
    assert alert.alert_id == "whmcs-notes"
    billing.put("whmcs", api_secret=SECRET)
    assert billing.made.work() == {}
    assert len(notes(site, first(site))) == 1
    assert billing.made.alerts.list() == []


def test_without_api_credentials_there_is_a_sentence_to_go_by(billing: Desk, site: WhmcsSite) -> None:
    billing.put("whmcs", api_identifier="", api_secret="", username="reader", password="correct horse")
    billing.ticket(opened(first(site)))

    [error] = billing.made.work().values()

    assert "api_identifier" in str(error)
    assert site.requests == []


# ---------------------------------------------------------------- the worker
def test_the_worker_answers_a_batch_and_buries_nonsense(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.http.post(PLAIN, MESSAGE)
    [message] = desk.made.queue.take()
    graves, deferred = Graves(), Deferred()
    service = worker.Service(attending=desk.made.attending, graveyard=graves, deferral=deferred)
    monkeypatch.setattr(worker, "service", lambda: service)
    sent = json.loads(Path("events/answer_messages/message.json").read_text())
    nonsense = json.loads(Path("events/answer_messages/no_message.json").read_text())
    [record], [bad] = sent["Records"], nonsense["Records"]
    records = [{**record, "body": message.to_json(), "messageId": "1"}, {**bad, "messageId": "2"}, record]

    result = worker.handler({"Records": records}, Context())

    assert result == {"batchItemFailures": []}
    assert desk.http.get(f"{PLAIN}/0001").json["status"] == "answered"
    assert len(graves.buried) == 1


def test_replies_are_what_the_reference_says(desk: Desk) -> None:
    made = desk.admin.post(HOOKS, {"url": "http://127.0.0.1:9/", "events": ["answer"]})
    accepted = desk.http.post(PLAIN, MESSAGE)
    desk.made.work()
    told = desk.http.get(f"{PLAIN}/0001")
    document = described("Candor")

    for method, path, status, answer in (
        ("post", HOOKS, "201", made),
        ("post", PLAIN, "202", accepted),
        ("get", f"{PLAIN}/{{message_id}}", "200", told),
    ):
        content = document["paths"][path][method]["responses"][status]["content"]
        schema = content["application/json"]["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(answer.json)


def test_states_of_the_contract_are_those_there_are() -> None:
    assert {"pending", "answered", "escalated"} <= set(State)
    assert set(Source) == {"plain", "bitrix24", "whmcs"}
    assert set(Event) == {"answer", "escalation", "job"}


@pytest.mark.parametrize(
    "path", sorted(Path("events/integrations").glob("*.json")), ids=lambda path: path.stem
)
def test_every_wire_event_is_answered_as_the_reference_says(desk: Desk, path: Path) -> None:
    text = path.read_text().replace("${API_KEY}", API_KEY).replace("${ADMIN_API_KEY}", ADMIN_KEY)
    event = json.loads(text)

    answer = answered(app.handler(event, Context()))

    operation = described("Candor")["paths"][event["resource"]][event["httpMethod"].lower()]
    assert str(answer.status) in operation["responses"]
    # Its hooks and hosts do not exist here, and what is public proves itself by a secret of somebody else's.
    assert answer.status in (200, 202, 400, 404)
