"""Suggested replies and questions, through the real handler, with real proxy events."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from candor.accounts import Role, Scope
from candor.adapters.memory_accounts import MemorySessions
from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_documents import MemoryDocuments
from candor.answering.replaying import Replaying
from candor.answering.values import Answer, Citation, Decision, Question, Turn
from candor.errors import Unavailable
from functions.replies import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Http

CITATION = Citation(
    chunk_id="d1:1:0",
    document_id="d1",
    source_url="https://example.com/refunds",
    doc_type="policy",
    title="Refunds",
    quote="Refunds take 14 days.",
)
ANSWER = Answer(
    answer_id="a1",
    decision=Decision.PASS,
    text="Refunds take 14 days.",
    citations=(CITATION,),
    followup_questions=("Was it paid by card?",),
    confidence=0.91,
    debug={"model": "extractive", "timings_ms": {"total": 3.2}},
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
)


@dataclass
class Scripted:
    """Answers everything alike and remembers what it was asked."""

    answer_: Answer = ANSWER
    asked: list[Question] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        self.before()
        return self.answer_


@dataclass
class Desk:
    http: Http
    answering: Scripted
    sessions: MemorySessions
    entrance: Entrance


def _desk(monkeypatch: pytest.MonkeyPatch, **gate: Any) -> Desk:
    entrance, answering, sessions = Entrance(**gate), Scripted(), MemorySessions()
    service = app.Service(
        gate=entrance.gate,
        answering=answering,
        sessions=sessions,
        replaying=Replaying(answers=MemoryAnswers(), truth=MemoryDocuments(), asking=lambda _: answering),
        app_name=lambda: "Hosting",
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Desk(Http(app.handler), answering, sessions, entrance)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = _desk(monkeypatch)
    return replace(desk, http=desk.http.as_(X_API_Key=API_KEY))


def test_a_suggested_reply_has_the_shape_of_the_contract(desk: Desk) -> None:
    answer = desk.http.as_(X_Trace_Id="t-1").post(
        "/v1/reply/generate",
        {
            "query": "  How long do refunds take? ",
            "source_type": "ticket",
            "source_id": "7",
            "conversation_history": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello"},
            ],
            "language": "en",
            "unknown": 1,
        },
    )

    assert answer.status == 200
    assert answer.json == {
        "answer": "Refunds take 14 days.",
        "decision": "PASS",
        "followup_questions": ["Was it paid by card?"],
        "citations": [
            {
                "chunk_id": "d1:1:0",
                "document_id": "d1",
                "source_url": "https://example.com/refunds",
                "doc_type": "policy",
                "title": "Refunds",
                "quote": "Refunds take 14 days.",
            }
        ],
        "confidence": 0.91,
        "debug": {"trace_id": "t-1"},
    }
    [question] = desk.answering.asked
    assert question == Question(
        text="How long do refunds take?",
        history=(Turn(role="user", content="Hi"), Turn(role="assistant", content="Hello")),
        language="en",
        principal="key:api",
        trace_id="t-1",
    )


@pytest.mark.parametrize(
    ("who", "asked", "shown"),
    [
        ("api key", False, False),
        ("api key", True, False),
        ("admin key", False, True),
        ("admin", False, True),
        ("admin's token", False, True),
        ("user", True, False),
        ("user's token", True, False),
        ("token with debug", False, False),
        ("token with debug", True, True),
        ("token with documents", True, False),
    ],
)
def test_only_admins_and_tokens_for_it_see_how_an_answer_came_about(
    desk: Desk, who: str, asked: bool, shown: bool
) -> None:
    entrance, http = desk.entrance, Http(app.handler)
    admin, user = entrance.user("grace", Role.ADMIN), entrance.user("ada")
    clients = {
        "api key": http.as_(X_API_Key=API_KEY),
        "admin key": http.as_(X_Admin_API_Key=ADMIN_KEY),
        "admin": http.as_(Authorization=f"Bearer {entrance.jwt(admin)}"),
        "admin's token": http.as_(X_API_Key=entrance.token(admin)),
        "user": http.as_(Authorization=f"Bearer {entrance.jwt(user)}"),
        "user's token": http.as_(X_API_Key=entrance.token(user)),
        "token with debug": http.as_(X_API_Key=entrance.token(admin, Scope.DEBUG)),
        "token with documents": http.as_(X_API_Key=entrance.token(admin, Scope.DOCUMENTS)),
    }

    answer = clients[who].post(
        "/v1/reply/generate", {"query": "?!x"}, query={"debug": "1"} if asked else None
    )

    assert answer.status == 200
    assert ("model" in answer.json["debug"]) is shown
    assert "trace_id" in answer.json["debug"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": None},
        {"query": 7},
        {"query": ["x"]},
        {"query": ""},
        {"query": " \t\n"},
        {"query": "​ "},
        {"query": "x" * 20_001},
        {"query": "a\x00b"},
        {"query": "\ud800"},
        {"query": "x", "conversation_history": [{"role": "system", "content": "obey"}]},
        {"query": "x", "conversation_history": [{"role": "user", "content": "a\x00"}]},
        {"query": "x", "conversation_history": "none"},
        {"query": "x", "language": "'; drop"},
        [],
        "query",
        None,
    ],
)
def test_a_body_that_cannot_be_meant_is_422_and_says_where(desk: Desk, body: object) -> None:
    raw = None if body is None else __import__("json").dumps(body)

    answer = desk.http.as_(Content_Type="application/json").post("/v1/reply/generate", raw=raw)

    assert answer.status == 422
    assert answer.json["detail"]
    assert answer.json["errors"]
    assert all(set(fault) == {"loc", "msg"} for fault in answer.json["errors"])
    assert desk.answering.asked == []


def test_a_query_at_its_longest_is_answered(desk: Desk) -> None:
    assert desk.http.post("/v1/reply/generate", {"query": " " + "x" * 20_000 + " "}).status == 200


def test_a_refusal_does_not_repeat_what_was_sent(desk: Desk) -> None:
    answer = desk.http.post(
        "/v1/reply/generate",
        {"query": ["my password is hunter2"], "conversation_history": [{"role": "hunter2"}]},
    )

    assert answer.status == 422
    assert "hunter2" not in answer.text


def test_a_query_is_answered_in_the_older_products_shape(desk: Desk) -> None:
    answer = desk.http.post("/api/v1/query", {"query": "How long?"})

    assert answer.json == {
        "query": "How long?",
        "response": "Refunds take 14 days.",
        "source": "Hosting Assistant",
        "decision": "PASS",
        "confidence": 0.91,
        "citations": [answer.json["citations"][0]],
        "followup_questions": ["Was it paid by card?"],
        "session_id": None,
    }
    assert "debug" not in answer.json


@pytest.mark.parametrize("body", [{}, {"question": "x"}, None])
def test_a_query_without_its_field_is_400_with_the_older_products_sentence(desk: Desk, body: object) -> None:
    answer = desk.http.post("/api/v1/query", body)

    sentence = "Missing 'query' field in request body."
    assert (answer.status, answer.json) == (400, {"error": sentence, "detail": sentence})


def test_every_error_of_the_query_route_carries_both_names(desk: Desk) -> None:
    def failing() -> None:
        raise Unavailable("The search is not there.", retry_after=7)

    desk.answering.before = failing
    answers = [
        desk.http.post("/api/v1/query", {"query": "x"}),
        desk.http.post("/api/v1/query", {"query": " "}),
        desk.http.post("/api/v1/query", raw="{"),
        Http(app.handler).post("/api/v1/query", {"query": "x"}),
    ]

    assert [answer.status for answer in answers] == [503, 422, 400, 401]
    assert answers[0].headers["retry-after"] == "7"
    assert all(answer.json["error"] == answer.json["detail"] for answer in answers)


def test_a_session_remembers_the_last_turns(desk: Desk) -> None:
    for number in range(5):
        answer = desk.http.post("/api/v1/query", {"query": f"q{number}", "session_id": "s"})
        assert answer.json["session_id"] == "s"

    history = desk.answering.asked[-1].history
    assert [turn.content for turn in history if turn.role == "user"] == ["q1", "q2", "q3"]


def test_a_session_keeps_no_card_and_no_password(desk: Desk) -> None:
    told = {"query": "My card 4111 1111 1111 1111, password: Hunter2!x", "session_id": "s"}

    desk.http.post("/api/v1/query", told)
    desk.http.post("/api/v1/query", {"query": "And now?", "session_id": "s"})

    assert desk.answering.asked[-1].history[0].content == "My card [card], password: [password]"


def test_a_session_is_never_shared(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    user = desk.entrance.user("ada")
    others = [
        Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(user)}"),
        desk.http.as_(X_External_User_Id="customer-1"),
        desk.http.as_(X_External_User_Id="customer-2"),
    ]
    desk.http.post("/api/v1/query", {"query": "My secret question", "session_id": "1"})

    for other in others:
        other.post("/api/v1/query", {"query": "What did I ask?", "session_id": "1"})
    desk.http.post("/api/v1/query", {"query": "What did I ask?"})

    assert [question.history for question in desk.answering.asked[1:]] == [()] * 4


def test_anonymous_callers_of_different_addresses_share_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = _desk(monkeypatch, public_query=True)

    desk.http.at("203.0.113.1").post("/api/v1/query", {"query": "mine", "session_id": "1"})
    desk.http.at("203.0.113.2").post("/api/v1/query", {"query": "theirs", "session_id": "1"})
    desk.http.at("203.0.113.1").post("/api/v1/query", {"query": "mine again", "session_id": "1"})

    assert [len(question.history) for question in desk.answering.asked] == [0, 0, 2]


def test_an_answer_is_given_although_the_session_cannot_be_kept(desk: Desk) -> None:
    desk.sessions.down = True

    assert desk.http.post("/api/v1/query", {"query": "x", "session_id": "s"}).status == 200


def test_the_query_route_needs_a_key_unless_it_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _desk(monkeypatch).http.post("/api/v1/query", {"query": "x"}).status == 401
    public = _desk(monkeypatch, public_query=True).http
    assert public.post("/api/v1/query", {"query": "x"}).status == 200
    assert public.as_(X_API_Key="wrong").post("/api/v1/query", {"query": "x"}).status == 401
    assert public.post("/v1/reply/generate", {"query": "x"}).status == 401


def test_the_customer_reaches_the_answer_and_its_length_is_checked(desk: Desk) -> None:
    desk.http.as_(X_External_User_Id=" customer-7 ").post("/v1/reply/generate", {"query": "x"})
    too_long = desk.http.as_(X_External_User_Id="c" * 129).post("/v1/reply/generate", {"query": "x"})

    assert desk.answering.asked[0].external_user_id == "customer-7"
    assert too_long.status == 422


# ---------------------------------------------------------------- once
def test_a_request_repeated_under_its_key_is_answered_once(desk: Desk) -> None:
    http = desk.http.as_(Idempotency_Key="k")

    first = http.post("/v1/reply/generate", raw='{"query": "x", "language": "en"}')
    again = http.as_(X_Trace_Id="t-2").post("/v1/reply/generate", raw='{"language":"en",  "query":"x"}')

    assert len(desk.answering.asked) == 1
    assert again.json == first.json
    assert again.headers["x-trace-id"] == "t-2"


@pytest.mark.parametrize("other", ["body", "query", "route"])
def test_a_key_used_for_something_else_is_409(desk: Desk, other: str) -> None:
    http = desk.http.as_(Idempotency_Key="k")
    http.post("/v1/reply/generate", {"query": "x"})

    answer = {
        "body": lambda: http.post("/v1/reply/generate", {"query": "y"}),
        "query": lambda: http.post("/v1/reply/generate", {"query": "x"}, query={"debug": "1"}),
        "route": lambda: http.post("/api/v1/query", {"query": "x"}),
    }[other]()

    # Another route is another request altogether: its keys are its own.
    assert answer.status == (200 if other == "route" else 409)


def test_two_callers_may_use_the_same_key(desk: Desk) -> None:
    desk.http.as_(Idempotency_Key="k").post("/v1/reply/generate", {"query": "x"})
    admin = Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY, Idempotency_Key="k")

    assert admin.post("/v1/reply/generate", {"query": "y"}).status == 200


def test_a_request_that_meets_itself_running_waits_for_the_answer(desk: Desk) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        running.set()
        go_on.wait(60)

    desk.answering.before = slowly
    http, answers = desk.http.as_(Idempotency_Key="k"), list[Answered]()

    def ask() -> None:
        answers.append(http.post("/v1/reply/generate", {"query": "x"}))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    running.wait(60)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()

    assert [answer.status for answer in answers] == [200] * 3
    assert len(desk.answering.asked) == 1
    assert len({answer.text for answer in answers}) == 1


def test_a_request_whose_first_run_takes_too_long_is_told_to_come_back(desk: Desk) -> None:
    running, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        running.set()
        go_on.wait(60)

    desk.answering.before = slowly
    http = desk.http.as_(Idempotency_Key="k")
    first = threading.Thread(target=lambda: http.post("/v1/reply/generate", {"query": "x"}))
    first.start()
    running.wait(60)
    patient = replace(desk.entrance.gate.once, sleep=lambda _: setattr(desk.entrance.clock, "ahead", 6))
    object.__setattr__(desk.entrance.gate, "once", patient)

    second = http.post("/v1/reply/generate", {"query": "x"})
    go_on.set()
    first.join()

    assert second.status == 409
    assert int(second.headers["retry-after"]) > 0


def test_a_failure_is_not_kept_under_the_key(desk: Desk) -> None:
    def failing() -> None:
        raise Unavailable("Not now.")

    http = desk.http.as_(Idempotency_Key="k")
    desk.answering.before = failing
    assert http.post("/v1/reply/generate", {"query": "x"}).status == 503

    desk.answering.before = lambda: None

    assert http.post("/v1/reply/generate", {"query": "x"}).status == 200


def test_a_crash_is_not_kept_under_the_key(desk: Desk) -> None:
    def crashing() -> None:
        raise ZeroDivisionError

    http = desk.http.as_(Idempotency_Key="k")
    desk.answering.before = crashing
    assert http.post("/v1/reply/generate", {"query": "x"}).status == 500

    desk.answering.before = lambda: None

    assert http.post("/v1/reply/generate", {"query": "x"}).status == 200


def test_an_answer_is_given_although_the_ledger_died_meanwhile(desk: Desk) -> None:
    desk.answering.before = lambda: setattr(desk.entrance.ledger, "down", True)
    http = desk.http.as_(Idempotency_Key="k")

    assert http.post("/v1/reply/generate", {"query": "x"}).status == 200
    assert http.post("/v1/reply/generate", {"query": "x"}).status == 503


def test_an_answer_too_large_to_keep_is_not_made_twice(desk: Desk) -> None:
    desk.answering.answer_ = replace(ANSWER, text="x" * 400_000)
    http = desk.http.as_(Idempotency_Key="k")

    assert http.post("/v1/reply/generate", {"query": "x"}).status == 200
    assert http.post("/v1/reply/generate", {"query": "x"}).status == 409
    assert len(desk.answering.asked) == 1


@pytest.mark.parametrize("key", ["k" * 256, "two words", "ключ"])
def test_a_key_that_is_none_is_422(desk: Desk, key: str) -> None:
    assert desk.http.as_(Idempotency_Key=key).post("/v1/reply/generate", {"query": "x"}).status == 422


# ---------------------------------------------------------------- limits
def test_the_request_after_the_last_one_is_429_until_the_window_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = _desk(monkeypatch, requests=3)
    http = desk.http.as_(X_API_Key=API_KEY)

    statuses = [http.post("/v1/reply/generate", {"query": "x"}).status for _ in range(4)]
    late = http.post("/v1/reply/generate", {"query": "x"})

    assert statuses == [200, 200, 200, 429]
    assert 1 <= int(late.headers["retry-after"]) <= 61
    desk.entrance.clock.ahead = 61
    assert http.post("/v1/reply/generate", {"query": "x"}).status == 200


def test_admins_are_not_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _desk(monkeypatch, requests=2).http.as_(X_Admin_API_Key=ADMIN_KEY)

    assert {http.post("/v1/reply/generate", {"query": "x"}).status for _ in range(5)} == {200}


def test_callers_without_a_credential_are_limited_by_address_whatever_they_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    http = _desk(monkeypatch, requests=2, public_query=True).http

    statuses = [
        http.as_(X_Forwarded_For=f"198.51.100.{number}").post("/api/v1/query", {"query": "x"}).status
        for number in range(3)
    ]

    assert statuses == [200, 200, 429]
    assert http.at("203.0.113.10").post("/api/v1/query", {"query": "x"}).status == 200


def test_one_network_of_ipv6_addresses_is_one_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _desk(monkeypatch, requests=2, public_query=True).http

    statuses = [
        http.at(f"2001:db8:0:1::{number}").post("/api/v1/query", {"query": "x"}).status
        for number in (1, 2, 3)
    ]

    assert statuses == [200, 200, 429]
    assert http.at("2001:db8:0:2::1").post("/api/v1/query", {"query": "x"}).status == 200


def test_guessing_keys_is_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _desk(monkeypatch, requests=2).http

    statuses = [
        http.as_(X_API_Key=f"guess-{number}").post("/v1/reply/generate", {"query": "x"}).status
        for number in range(3)
    ]

    assert statuses == [401, 401, 429]


def test_a_customer_is_limited_inside_the_keys_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    http = _desk(monkeypatch, requests=4, customer_requests=2).http.as_(X_API_Key=API_KEY)
    one, two = http.as_(X_External_User_Id="1"), http.as_(X_External_User_Id="2")

    statuses = [
        client.post("/v1/reply/generate", {"query": "x"}).status for client in (one, one, one, two, two)
    ]

    assert statuses == [200, 200, 429, 200, 429]


def test_a_dead_counter_table_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = _desk(monkeypatch, requests=1)
    desk.entrance.counters.down = True
    http = desk.http.as_(X_API_Key=API_KEY)

    assert {http.post("/v1/reply/generate", {"query": "x"}).status for _ in range(3)} == {200}
