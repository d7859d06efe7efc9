"""Answers told while they are written, through the real handler, with real proxy events."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from candor.accounts import Role, Scope
from candor.answering.values import Question
from candor.conversations.values import Conversation, SourceType
from candor.edge.openapi import described
from candor.edge.streams import EventStream
from candor.errors import Unavailable
from functions.chat import app as chat
from functions.chat_stream import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered, proxy_event
from tests.doubles.talks import Talks
from tests.waiting import until

TALK_ID = "00000000-0000-4000-8000-000000000021"
HALVES = ("<How", "<How long?>")
"""What the assistant tells of its answer to "How long?", one text so far after the other."""


@dataclass
class Desk:
    talks: Talks
    entrance: Entrance
    headers: dict[str, str]

    def open(self) -> str:
        http = Http(chat.handler).as_(**self.headers)
        opened = http.post("/v1/conversations", {"source_type": "livechat", "source_id": "visitor-7"})
        return str(opened.json["id"])

    def begin(self, talk: str, content: object = "How long?", **more: Any) -> dict[str, Any]:
        """What the handler returns: with a text for a body, or with one that is still being made."""
        headers = {name.replace("_", "-"): value for name, value in (self.headers | more).items()}
        path = f"/v1/conversations/{talk}/messages:stream"
        query = {"debug": "1"} if "X-Debug" in headers else None
        event = proxy_event("POST", path, body={"content": content}, headers=headers, query=query)
        result: dict[str, Any] = app.handler(event, Context())
        return result

    def refused(self, talk: str, content: object = "How long?", **more: Any) -> Answered:
        return answered(self.begin(talk, content, **more))

    def send(self, talk: str, content: object = "How long?", **more: Any) -> list[tuple[str, Any]]:
        return events(self.begin(talk, content, **more))


def events(result: dict[str, Any]) -> list[tuple[str, Any]]:
    """All events of an answer, once they are there."""
    assert isinstance(result["body"], EventStream), result
    return [event for part in result["body"] if (event := read(part)) is not None]


def read(part: bytes) -> tuple[str, Any] | None:
    text = part.decode()
    assert text.endswith("\n\n")
    assert text.count("\n") == 2
    if text.startswith(":"):
        return None
    event = json.loads(text.removeprefix("data: "))
    return event["type"], event["data"]


def shown(told: list[tuple[str, Any]]) -> str:
    """What a client has on its screen in the end."""
    text = ""
    for kind, data in told:
        if kind == "content":
            text += data
        elif kind == "replace":
            text = data
    return text


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return _desk(monkeypatch)


def _desk(monkeypatch: pytest.MonkeyPatch, *, beat_seconds: float = 15.0, **gate: Any) -> Desk:
    entrance, talks = Entrance(**gate), Talks()
    talks.assistant.tells = HALVES
    service = app.Service(gate=entrance.gate, replying=talks.replying, beat_seconds=beat_seconds)
    monkeypatch.setattr(app, "service", lambda: service)
    whole = chat.Service(
        gate=entrance.gate, conversing=talks.conversing, replying=talks.replying, erasure=talks.desk
    )
    monkeypatch.setattr(chat, "service", lambda: whole)
    return Desk(talks, entrance, {"X_API_Key": API_KEY})


def test_an_answer_is_told_in_the_events_of_the_contract(desk: Desk) -> None:
    talk = desk.open()

    result = desk.begin(talk, X_Trace_Id="t-1")

    assert result["statusCode"] == 200
    assert result["headers"]["Content-Type"] == "text/event-stream; charset=utf-8"
    assert result["headers"]["X-Accel-Buffering"] == "no"
    assert "no-cache" in result["headers"]["Cache-Control"]
    assert result["headers"]["X-Trace-Id"] == "t-1"
    told = events(result)
    assert [kind for kind, _ in told] == ["content", "content", "citations", "done"]
    assert [data for kind, data in told if kind == "content"] == ["<How", " long?>"]
    assert told[2][1][0]["quote"] == "Refunds take 14 days."
    done = told[3][1]
    [question, answer] = desk.talks.store.messages(talk, first=1, last=9)
    assert done == {
        "message_id": answer.message_id,
        "decision": "PASS",
        "confidence": 0.91,
        "followup_questions": ["Was it paid by card?"],
        "conversation_id": talk,
        "user_message_id": question.message_id,
        "created_at": answer.created_at.isoformat(),
        "debug": {"trace_id": "t-1"},
    }


def test_the_message_is_kept_before_anything_is_written_and_the_answer_before_done(desk: Desk) -> None:
    talk = desk.open()
    kept: list[list[str]] = []
    desk.talks.assistant.while_writing = lambda question: kept.append(desk.talks.said(talk))

    for part in desk.begin(talk)["body"]:
        if b'"citations"' in part:
            kept.append(desk.talks.said(talk))

    assert kept == [["How long?"], ["How long?", "<How long?>"]]


def test_a_text_that_changes_in_the_end_is_replaced(desk: Desk) -> None:
    desk.talks.assistant.tells = ("Refunds take", "Refunds take 7 days.")

    told = desk.send(desk.open())

    assert [kind for kind, _ in told] == ["content", "content", "replace", "citations", "done"]
    assert shown(told) == "<How long?>"


def test_an_answer_that_is_there_at_once_is_told_block_by_block(desk: Desk) -> None:
    desk.talks.assistant.tells = ()
    question = "one\ntwo\n\n```\na\nb\n```\nthree"

    told = desk.send(desk.open(), question)

    assert [data for kind, data in told if kind == "content"] == [
        "<one\n",
        "two\n\n",
        "```\na\nb\n```\n",
        "three>",
    ]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "é", "😀", '"', "\\"])
def test_no_letter_breaks_an_event_in_two(desk: Desk, separator: str) -> None:
    desk.talks.assistant.tells = ()

    result = desk.begin(desk.open(), f"a{separator}b")

    parts = list(result["body"])
    assert all(len(part.decode().splitlines()) == 2 for part in parts)
    told = [event for part in parts if (event := read(part)) is not None]
    assert shown(told) == f"<a{separator}b>"


# ---------------------------------------------------------------- refused before it begins
@pytest.mark.parametrize("content", ["", " ", "x" * 10_001, None, 7, ["a"], "a\x00", "\ud800"])
def test_what_is_no_message_is_422_as_ever(desk: Desk, content: object) -> None:
    refused = desk.refused(desk.open(), content)

    assert refused.status == 422
    assert refused.json["errors"]


def test_refusals_come_as_ordinary_answers(desk: Desk) -> None:
    talk = desk.open()

    assert desk.refused(TALK_ID).status == 404
    assert replace(desk, headers={}).refused(talk).status == 401
    stranger = desk.entrance.jwt(desk.entrance.user("eve"))
    assert replace(desk, headers={"Authorization": f"Bearer {stranger}"}).refused(talk).status == 404
    assert desk.refused(talk, X_External_User_Id="x" * 129).status == 422
    assert desk.refused(talk, Idempotency_Key="two words").status == 422
    assert desk.talks.said(talk) == []


def test_who_asks_too_often_is_refused_and_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = _desk(monkeypatch, requests=2)
    talk = desk.open()
    desk.send(talk)

    refused = desk.refused(talk)

    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0


def test_a_store_that_is_away_is_503_before_the_answer_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = desk.open()

    def away(*_: object, **__: object) -> None:
        raise Unavailable("The conversations are not available right now.")

    monkeypatch.setattr(desk.talks.store, "get", away)

    assert desk.refused(talk).status == 503


# ---------------------------------------------------------------- failures after it has begun
def test_a_failure_after_the_beginning_is_an_event_and_says_nothing_of_its_cause(desk: Desk) -> None:
    talk = desk.open()

    def crash(question: Question) -> None:
        raise RuntimeError("secret cause")

    desk.talks.assistant.while_writing = crash

    told = desk.send(talk)

    assert [kind for kind, _ in told] == ["content", "content", "error"]
    assert "secret" not in told[-1][1]["detail"]
    desk.talks.assistant.while_writing = lambda question: None
    assert shown(desk.send(talk, "And now?")) != ""


def test_an_error_of_ours_is_told_in_its_sentence(desk: Desk) -> None:
    def away(question: Question) -> None:
        raise Unavailable("The table is not available right now.")

    desk.talks.assistant.while_writing = away

    assert desk.send(desk.open())[-1] == ("error", {"detail": "The table is not available right now."})


# ---------------------------------------------------------------- the same request again
def test_the_same_request_under_the_same_key_is_answered_again_as_a_stream(desk: Desk) -> None:
    talk = desk.open()
    first = desk.send(talk, Idempotency_Key="k1")

    again = desk.begin(talk, Idempotency_Key="k1")

    assert again["headers"]["Idempotency-Replayed"] == "true"
    told = events(again)
    assert shown(told) == shown(first)
    assert told[-2:] == first[-2:]
    assert len(desk.talks.assistant.asked) == 1
    assert desk.refused(talk, "Something else", Idempotency_Key="k1").status == 409


def test_what_failed_is_tried_again_under_the_same_key_and_is_one_message(desk: Desk) -> None:
    talk = desk.open()

    def away(question: Question) -> None:
        desk.talks.assistant.while_writing = lambda question: None
        raise Unavailable("Not now.")

    desk.talks.assistant.while_writing = away

    assert desk.send(talk, Idempotency_Key="k1")[-1][0] == "error"
    assert desk.send(talk, Idempotency_Key="k1")[-1][0] == "done"
    assert desk.talks.said(talk) == ["How long?", "<How long?>"]


# ---------------------------------------------------------------- debug
def test_only_those_who_may_are_shown_how_it_came_about(desk: Desk) -> None:
    def debug_of(headers: dict[str, str]) -> dict[str, Any]:
        asking = replace(desk, headers=headers)
        debug: dict[str, Any] = asking.send(asking.open())[-1][1]["debug"]
        return debug

    assert set(debug_of(desk.headers)) == {"trace_id"}
    assert set(debug_of({**desk.headers, "X_Debug": "1"})) == {"trace_id"}
    assert debug_of({"X_Admin_API_Key": ADMIN_KEY})["model"] == "extractive"
    ada = desk.entrance.user("ada", Role.ADMIN)
    token = desk.entrance.token(ada, Scope.DEBUG)
    assert debug_of({"X_API_Key": token, "X_Debug": "1"})["model"] == "extractive"


# ---------------------------------------------------------------- silence, and a person
def test_where_a_person_owns_the_conversation_nothing_is_said(desk: Desk) -> None:
    talk = desk.open()
    admin = Http(chat.handler).as_(X_Admin_API_Key=ADMIN_KEY)
    admin.post(f"/v1/conversations/{talk}/takeover")

    told = desk.send(talk)

    assert [kind for kind, _ in told] == ["citations", "done"]
    assert told[1][1]["decision"] == "ESCALATE"
    assert desk.talks.said(talk) == ["How long?"]


def test_a_person_who_takes_over_meanwhile_silences_what_was_begun(desk: Desk) -> None:
    talk = desk.open()
    admin = Http(chat.handler).as_(X_Admin_API_Key=ADMIN_KEY)
    desk.talks.assistant.while_writing = lambda question: (
        admin.post(f"/v1/conversations/{talk}/takeover") and None
    )

    told = desk.send(talk)

    assert shown(told) == ""
    assert ("replace", "") in told
    assert told[-1][1]["decision"] == "ESCALATE"
    assert desk.talks.said(talk) == ["How long?"]


def test_more_said_meanwhile_is_answered_with_it_and_both_are_told(desk: Desk) -> None:
    talk = desk.open()
    others: list[list[tuple[str, Any]]] = []
    thread = threading.Thread(target=lambda: others.append(desk.send(talk, "And to a card?")))

    def meanwhile(question: Question) -> None:
        desk.talks.assistant.while_writing = lambda question: None
        thread.start()
        until(lambda: len(desk.talks.said(talk)) == 2)

    desk.talks.assistant.while_writing = meanwhile

    told = desk.send(talk)
    thread.join()

    both = "<How long?\nAnd to a card?>"
    assert desk.talks.said(talk) == ["How long?", "And to a card?", both]
    assert (shown(told), shown(others[0])) == (both, both)
    assert told[-1][1]["message_id"] == others[0][-1][1]["message_id"]
    assert ("replace", both) in told


# ---------------------------------------------------------------- heartbeats, and who leaves
def test_who_waits_hears_that_somebody_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = _desk(monkeypatch, beat_seconds=0.05)
    heard = threading.Event()
    desk.talks.assistant.while_writing = lambda question: heard.wait(60)

    parts = []
    for part in desk.begin(desk.open())["body"]:
        parts.append(part)
        if parts.count(b": still here\n\n") == 3:
            heard.set()

    assert heard.is_set()
    assert read(parts[-1]) is not None


def test_of_an_answer_whose_reader_left_what_was_told_stays(desk: Desk) -> None:
    talk = desk.open()
    began, may_go_on = threading.Event(), threading.Event()

    def tells() -> Iterator[str]:
        yield "Refunds take"
        began.set()
        may_go_on.wait(60)
        yield "Refunds take 14 days, said nobody would read."

    class Reading(tuple):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[str]:
            return tells()

    desk.talks.assistant.tells = Reading()
    stream = desk.begin(talk)["body"]
    told = [next(iter(stream))]
    began.wait(60)
    stream.leave()
    may_go_on.set()
    stream.close()

    assert told == [b": listening\n\n"]
    assert desk.talks.said(talk) == ["How long?", "Refunds take"]


def test_who_leaves_while_another_is_answered_leaves_nothing_behind(desk: Desk) -> None:
    talk = desk.open()
    waiting = threading.Event()
    gone: list[Any] = []

    def meanwhile(question: Question) -> None:
        desk.talks.assistant.while_writing = lambda question: None
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait(60)
        thread.join(60)

    def second() -> None:
        stream = desk.begin(talk, "And to a card?")["body"]
        next(iter(stream))
        stream.close()
        gone.append(stream)
        waiting.set()

    desk.talks.assistant.while_writing = meanwhile

    told = desk.send(talk)

    assert gone
    assert shown(told) == "<How long?\nAnd to a card?>"


@pytest.mark.parametrize("name", sorted(path.name for path in Path("events/chat_stream").glob("*.json")))
def test_a_wire_event_is_answered(name: str, desk: Desk) -> None:
    now = datetime.now(UTC)
    talk = Conversation(
        conversation_id=TALK_ID,
        principal="key:api",
        source_type=SourceType.TICKET,
        source_id="1042",
        created_at=now,
        updated_at=now,
    )
    desk.talks.store.add(talk)
    text = Path("events/chat_stream", name).read_text(encoding="utf-8")
    event = json.loads(text.replace("${API_KEY}", API_KEY))

    told = events(app.handler(event, Context()))

    assert told[-1][0] == "done"
    operation = described("Candor")["paths"][event["resource"]]["post"]
    assert list(operation["responses"]["200"]["content"]) == ["text/event-stream"]


def test_a_preflight_is_answered_by_the_function_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    _desk(monkeypatch, cors_origins=("https://desk.example.com",))
    http = Http(app.handler).as_(Origin="https://desk.example.com")

    answer = http.options(f"/v1/conversations/{TALK_ID}/messages:stream")

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://desk.example.com"
    assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
