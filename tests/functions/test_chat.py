"""Conversations, through the real handler, with real proxy events."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from candor.accounts import Role, Scope
from candor.answering.values import Question
from candor.conversations.values import Conversation, SourceType
from candor.edge.openapi import described
from candor.errors import NotFound, Unavailable
from candor.messages import CustomerToErase
from candor.sessions import customer_key
from candor.tickets.values import ticket_id_of
from functions.chat import app
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered
from tests.doubles.talks import Talks

QUESTION = "How many days do I have to ask for a refund of a domain that I ordered by mistake?"
TALK_ID = "00000000-0000-4000-8000-000000000021"


@dataclass
class Desk:
    http: Http
    talks: Talks
    entrance: Entrance

    def open(self, **body: Any) -> str:
        answer = self.http.post(
            "/v1/conversations", {"source_type": "livechat", "source_id": "visitor-7", **body}
        )
        assert answer.status == 200, answer.text
        return str(answer.json["id"])

    def send(self, talk: str, content: str = "How long?", **more: Any) -> Answered:
        return self.http.post(f"/v1/conversations/{talk}/messages", {"content": content}, **more)


def _desk(monkeypatch: pytest.MonkeyPatch, **gate: Any) -> Desk:
    entrance, talks = Entrance(**gate), Talks()
    service = app.Service(
        gate=entrance.gate, conversing=talks.conversing, replying=talks.replying, erasure=talks.desk
    )
    monkeypatch.setattr(app, "service", lambda: service)
    return Desk(Http(app.handler).as_(X_API_Key=API_KEY), talks, entrance)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return _desk(monkeypatch)


def test_a_conversation_has_the_shape_of_the_contract(desk: Desk) -> None:
    answer = desk.http.post(
        "/v1/conversations",
        {"source_type": "ticket", "source_id": " 1042 ", "metadata": {"subject": "Refund"}, "unknown": 1},
    )

    assert answer.status == 200
    assert answer.json == {
        "id": answer.json["id"],
        "source_type": "ticket",
        "source_id": "1042",
        "metadata": {"subject": "Refund"},
        "created_at": answer.json["created_at"],
        "updated_at": answer.json["created_at"],
        "message_count": 0,
        "owner": None,
    }
    assert datetime.fromisoformat(answer.json["created_at"]).tzinfo is not None


def test_the_same_source_again_is_another_conversation_and_both_are_found_by_it(desk: Desk) -> None:
    first, second, _ = desk.open(), desk.open(), desk.open(source_id="visitor-8")

    listed = desk.http.get("/v1/conversations", query={"source_type": "livechat", "source_id": "visitor-7"})

    assert [item["id"] for item in listed.json["items"]] == [second, first]
    assert {key: listed.json[key] for key in ("total", "page", "page_size")} == {
        "total": 2,
        "page": 1,
        "page_size": 20,
    }


def test_the_same_request_under_the_same_key_begins_one_conversation(desk: Desk) -> None:
    keyed = replace(desk, http=desk.http.as_(Idempotency_Key="k1"))

    assert keyed.open() == keyed.open()
    assert desk.http.get("/v1/conversations").json["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source_type": "email", "source_id": "7"},
        {"source_type": "ticket"},
        {"source_type": "ticket", "source_id": " "},
        {"source_type": "ticket", "source_id": "x" * 257},
        {"source_type": "ticket", "source_id": True},
        {"source_type": "ticket", "source_id": ["7"]},
        {"source_type": "ticket", "source_id": "a\x00"},
        {"source_type": "ticket", "source_id": "7", "metadata": []},
        {"source_type": "ticket", "source_id": "7", "metadata": "x"},
        {"source_type": "ticket", "source_id": "7", "metadata": {"a": "ü" * 20_000}},
        {"source_type": "ticket", "source_id": "7", "metadata": {"a": "\ud800"}},
    ],
)
def test_a_conversation_that_cannot_be_meant_is_422(desk: Desk, body: object) -> None:
    answer = desk.http.post("/v1/conversations", body)

    assert answer.status == 422
    assert answer.json["errors"]


def test_a_ticket_named_by_its_number_is_taken_as_it_is(desk: Desk) -> None:
    answer = desk.http.post("/v1/conversations", {"source_type": "ticket", "source_id": 1042})

    assert (answer.status, answer.json["source_id"]) == (200, "1042")


def test_a_message_is_answered_in_the_shape_of_the_contract(desk: Desk) -> None:
    talk = desk.open()

    answer = replace(desk, http=desk.http.as_(X_Trace_Id="t-1")).send(talk, " How long? ")

    message = answer.json["message"]
    assert answer.status == 200
    assert answer.json == {
        "conversation_id": talk,
        "message": {
            "message_id": message["message_id"],
            "role": "assistant",
            "content": "<How long?>",
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
            "created_at": message["created_at"],
        },
        "answer": "<How long?>",
        "debug_metadata": {"trace_id": "t-1"},
        "user_message_id": answer.json["user_message_id"],
    }


def test_a_conversation_shows_its_messages_in_order_and_by_page(desk: Desk) -> None:
    talk = desk.open()
    for number in range(3):
        desk.send(talk, f"q{number}?")

    whole = desk.http.get(f"/v1/conversations/{talk}").json
    page = desk.http.get(f"/v1/conversations/{talk}", query={"page": "2", "page_size": "4"}).json

    assert [(m["role"], m["content"]) for m in whole["messages"]] == [
        (role, text)
        for number in range(3)
        for role, text in (("user", f"q{number}?"), ("assistant", f"<q{number}?>"))
    ]
    assert (whole["messages_total"], whole["message_count"], whole["page_size"]) == (6, 6, 100)
    assert [m["content"] for m in page["messages"]] == ["q2?", "<q2?>"]
    user, assistant = whole["messages"][:2]
    assert user.keys() >= {"id", "role", "content", "created_at", "citations", "decision", "confidence"}
    assert (user["decision"], user["citations"], user["debug"]) == (None, [], None)
    assert (assistant["decision"], assistant["confidence"]) == ("PASS", 0.91)
    assert assistant["debug"].keys() == {"trace_id"}


@pytest.mark.parametrize("page_size", ["0", "101", "x"])
def test_a_page_of_messages_has_bounds(desk: Desk, page_size: str) -> None:
    talk = desk.open()

    assert desk.http.get(f"/v1/conversations/{talk}", query={"page_size": page_size}).status == 422


@pytest.mark.parametrize(
    ("who", "shown"),
    [("api key", False), ("admin key", True), ("token with debug", True), ("user", False)],
)
def test_only_admins_and_tokens_for_it_see_how_an_answer_came_about(
    desk: Desk, who: str, shown: bool
) -> None:
    entrance = desk.entrance
    admin, user = entrance.user("grace", Role.ADMIN), entrance.user("ada")
    http = {
        "api key": Http(app.handler).as_(X_API_Key=API_KEY),
        "admin key": Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY),
        "token with debug": Http(app.handler).as_(X_API_Key=entrance.token(admin, Scope.DEBUG)),
        "user": Http(app.handler).as_(Authorization=f"Bearer {entrance.jwt(user)}"),
    }[who]
    own = replace(desk, http=http)
    talk = own.open()

    sent = own.send(talk, query={"debug": "1"}).json
    read = http.get(f"/v1/conversations/{talk}", query={"debug": "1"}).json

    assert ("model" in sent["debug_metadata"]) is shown
    assert ("model" in read["messages"][1]["debug"]) is shown
    assert "trace_id" in sent["debug_metadata"]


@pytest.mark.parametrize(
    "body", [{}, {"content": ""}, {"content": " \n"}, {"content": "x" * 10_001}, {"content": 7}, []]
)
def test_a_message_that_cannot_be_meant_is_422_and_not_kept(desk: Desk, body: object) -> None:
    talk = desk.open()

    answer = desk.http.post(f"/v1/conversations/{talk}/messages", body)

    assert answer.status == 422
    assert desk.talks.said(talk) == []


def test_a_message_that_is_too_long_is_told_how_many_characters_it_may_have(desk: Desk) -> None:
    talk = desk.open()

    answer = desk.http.post(f"/v1/conversations/{talk}/messages", {"content": "x" * 10_001})

    [fault] = answer.json["errors"]
    assert fault["msg"] == "String should have at most 10000 characters"


def test_a_message_at_its_longest_is_answered(desk: Desk) -> None:
    assert desk.send(desk.open(), "я" * 10_000).status == 200


def test_a_conversation_of_somebody_else_is_404_everywhere_and_an_admin_sees_it(desk: Desk) -> None:
    talk = desk.open()
    message_id = desk.send(talk).json["message"]["message_id"]
    bob = Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(desk.entrance.user('bob'))}")
    admin = Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)
    path = f"/v1/conversations/{talk}"

    refused = [
        bob.get(path),
        bob.patch(path, {"metadata": {}}),
        bob.delete(path),
        bob.post(f"{path}/messages", {"content": "Hello"}),
        bob.post(f"{path}/messages/{message_id}/feedback", {"rating": 5}),
        bob.post(f"{path}/takeover"),
        bob.post(f"{path}/release"),
        bob.get("/v1/conversations/nothing"),
    ]

    assert [answer.status for answer in refused] == [404] * 8
    assert len({answer.json["detail"] for answer in refused}) == 1
    assert bob.get("/v1/conversations").json["total"] == 0
    assert admin.get(path).json["message_count"] == 2
    assert admin.get("/v1/conversations").json["total"] == 1


def test_a_users_token_is_the_user(desk: Desk) -> None:
    ada = desk.entrance.user("ada")
    talk = replace(desk, http=Http(app.handler).as_(Authorization=f"Bearer {desk.entrance.jwt(ada)}")).open()

    by_token = Http(app.handler).as_(X_API_Key=desk.entrance.token(ada))

    assert by_token.get(f"/v1/conversations/{talk}").status == 200


def test_without_a_credential_it_is_401(desk: Desk) -> None:
    assert Http(app.handler).get("/v1/conversations").status == 401


def test_metadata_is_replaced_as_a_whole(desk: Desk) -> None:
    talk = desk.open(metadata={"a": 1, "b": 2})

    changed = desk.http.patch(f"/v1/conversations/{talk}", {"metadata": {"c": None}})

    assert changed.json["metadata"] == {"c": None}
    assert changed.json["updated_at"] > changed.json["created_at"]
    assert desk.http.get(f"/v1/conversations/{talk}").json["metadata"] == {"c": None}
    assert desk.http.patch(f"/v1/conversations/{talk}", {}).status == 422


def test_a_deleted_conversation_is_204_and_then_404(desk: Desk) -> None:
    talk = desk.open()
    desk.send(talk)

    deleted = desk.http.delete(f"/v1/conversations/{talk}")

    assert (deleted.status, deleted.text) == (204, "")
    assert desk.http.get(f"/v1/conversations/{talk}").status == 404
    assert desk.send(talk).status == 404
    assert desk.http.get("/v1/conversations").json["items"] == []


def test_the_same_message_under_the_same_key_is_answered_alike_and_kept_once(desk: Desk) -> None:
    talk = desk.open()
    keyed = replace(desk, http=desk.http.as_(Idempotency_Key="k1"))

    first, again = keyed.send(talk), keyed.send(talk)
    other = keyed.send(talk, "Something else?")

    assert first.json == again.json
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status == 409
    assert len(desk.talks.said(talk)) == 2


def test_a_key_whose_first_run_failed_sends_the_message_once(desk: Desk) -> None:
    talk = desk.open()
    keyed = replace(desk, http=desk.http.as_(Idempotency_Key="k1"))

    def failing(question: Question) -> None:
        raise Unavailable("The model is not there.", retry_after=7)

    desk.talks.assistant.while_writing = failing
    assert keyed.send(talk).status == 503
    desk.talks.assistant.while_writing = lambda question: None

    assert keyed.send(talk).json["answer"] == "<How long?>"
    assert desk.talks.said(talk) == ["How long?", "<How long?>"]


def test_many_senders_at_once_are_all_answered(desk: Desk) -> None:
    talk = desk.open()

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda number: desk.send(talk, f"q{number}?"), range(16)))

    assert [answer.status for answer in answers] == [200] * 16
    assert all(f"q{number}?" in answer.json["answer"] for number, answer in enumerate(answers))
    whole = desk.http.get(f"/v1/conversations/{talk}").json["messages"]
    assert sorted(m["content"] for m in whole if m["role"] == "user") == sorted(f"q{n}?" for n in range(16))
    assert {a.json["message"]["message_id"] for a in answers} == {
        m["id"] for m in whole if m["role"] == "assistant"
    }


def test_while_a_person_owns_it_the_assistant_says_nothing(desk: Desk) -> None:
    talk = desk.open()

    owned = desk.http.post(f"/v1/conversations/{talk}/takeover")
    silent = desk.send(talk)
    released = desk.http.post(f"/v1/conversations/{talk}/release")
    loud = desk.send(talk, "And now?")

    assert (owned.status, owned.json["owner"]) == (200, "key:api")
    assert silent.status == 200
    assert (silent.json["answer"], silent.json["message"]["decision"]) == ("", "ESCALATE")
    assert silent.json["message"]["citations"] == []
    assert released.json["owner"] is None
    assert loud.json["answer"] == "<And now?>"
    assert desk.talks.said(talk) == ["How long?", "And now?", "<And now?>"]


def test_who_asks_for_a_person_is_escalated(desk: Desk) -> None:
    answer = desk.send(desk.open(), "Ich möchte mit einem Mitarbeiter sprechen")

    assert answer.json["message"]["decision"] == "ESCALATE"
    assert answer.json["answer"].startswith("Gerne.")
    assert desk.talks.assistant.asked == []


@pytest.mark.parametrize(
    ("rating", "stars", "proposed"),
    [(1, 1, False), (3, 3, False), (4, 4, True), (5, 5, True), ("up", 5, True), ("down", 1, False)],
)
def test_an_answer_is_rated_and_a_good_talk_proposed(
    desk: Desk, rating: object, stars: int, proposed: bool
) -> None:
    talk = desk.open()
    message_id = desk.send(talk, QUESTION).json["message"]["message_id"]
    path = f"/v1/conversations/{talk}/messages/{message_id}/feedback"

    answer = desk.http.post(path, {"rating": rating, "comment": "So it was."})

    assert answer.status == 200
    assert answer.json == {"status": "ok", "message_id": message_id, "rating": stars, "proposed": proposed}
    assert desk.http.get(f"/v1/conversations/{talk}").json["messages"][1]["rating"] == stars
    ticket_id = ticket_id_of("conversation", talk)
    assert bool(desk.talks.knowledge.tickets.some([ticket_id])) is proposed


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rating": 0},
        {"rating": 6},
        {"rating": "5"},
        {"rating": "good"},
        {"rating": True},
        {"rating": 4.5},
        {"rating": 5, "comment": "x" * 2_001},
    ],
)
def test_a_rating_that_cannot_be_meant_is_422(desk: Desk, body: object) -> None:
    talk = desk.open()
    message_id = desk.send(talk).json["message"]["message_id"]

    answer = desk.http.post(f"/v1/conversations/{talk}/messages/{message_id}/feedback", body)

    assert answer.status == 422


def test_a_users_own_message_cannot_be_rated(desk: Desk) -> None:
    talk = desk.open()
    message_id = desk.send(talk).json["user_message_id"]

    answer = desk.http.post(f"/v1/conversations/{talk}/messages/{message_id}/feedback", {"rating": 5})

    assert answer.status == 422
    assert "Only an answer" in answer.json["detail"]


def test_a_customer_has_a_limit_inside_the_keys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = _desk(monkeypatch, requests=10, customer_requests=2)
    talk = desk.open()
    seven = replace(desk, http=desk.http.as_(X_External_User_Id="customer-7"))
    eight = replace(desk, http=desk.http.as_(X_External_User_Id="customer-8"))

    statuses = [seven.send(talk).status for _ in range(3)] + [eight.send(talk).status]

    assert statuses == [200, 200, 429, 200]


@pytest.mark.parametrize("name", ["x" * 129, "a\x07b"])
def test_a_customer_whose_name_is_none_is_422(desk: Desk, name: str) -> None:
    talk = desk.open()

    assert replace(desk, http=desk.http.as_(X_External_User_Id=name)).send(talk).status == 422
    assert desk.talks.said(talk) == []


def test_a_store_that_is_down_is_503(desk: Desk) -> None:
    talk = desk.open()
    desk.talks.store.down = True

    answers = [
        desk.send(talk),
        desk.http.get(f"/v1/conversations/{talk}"),
        desk.http.get("/v1/conversations"),
    ]

    assert [answer.status for answer in answers] == [503] * 3
    assert all("retry-after" in answer.headers for answer in answers)


# ------------------------------------------------------------------ erasing


def erased(desk: Desk, name: str) -> dict[str, Any]:
    """The result of the job, worked off as its worker would."""
    admin = Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)
    accepted = admin.delete(f"/v1/admin/end-users/{name}")
    assert (accepted.status, accepted.json["status"]) == (202, "queued")
    assert accepted.json["job_id"] == accepted.json["id"]
    queue, jobs = desk.talks.knowledge.export_queue, desk.talks.knowledge.jobs
    while messages := queue.take():
        for message in messages:
            assert isinstance(message, CustomerToErase)
            desk.talks.erasing.go_on(message.job_id, seconds=100)
    job = jobs.get(accepted.json["job_id"])
    assert name not in repr(job)
    return dict(job.result)


def test_a_customer_is_erased_everywhere_and_the_others_stay(desk: Desk) -> None:
    seven = replace(desk, http=desk.http.as_(X_External_User_Id="customer-7"))
    eight = replace(desk, http=desk.http.as_(X_External_User_Id="customer-8"))
    own, others, shared, empty = seven.open(), eight.open(), desk.open(), seven.open()
    rated = seven.send(own, f"I am Seven, of Kyiv. {QUESTION}").json["message"]["message_id"]
    proposed = desk.http.post(f"/v1/conversations/{own}/messages/{rated}/feedback", {"rating": 5})
    assert proposed.json["proposed"] is True
    kept = eight.send(others, "Eight's own.").json["message"]["message_id"]
    seven.send(shared, "Seven's words.")
    eight.send(shared, "Eight's words.")
    sessions, now = desk.talks.sessions, datetime.now(UTC).timestamp()
    for number in (7, 8):
        key = customer_key(f"customer-{number}")
        sessions.remember(f"s{number}", "q", "a", now=now, customer=key)

    result = erased(desk, "customer-7")

    assert result == {"status": "ok", "conversations": 3, "messages": 4, "answers": 3, "turns": 2}
    for talk in (own, empty):
        assert desk.http.get(f"/v1/conversations/{talk}").status == 404
    assert desk.talks.said(shared) == ["", "", "Eight's words.", "<Eight's words.>"]
    assert desk.talks.said(others) == ["Eight's own.", "<Eight's own.>"]
    assert desk.talks.answers.get(kept).question == "Eight's own."
    with pytest.raises(NotFound):
        desk.talks.answers.get(rated)
    assert desk.talks.knowledge.tickets.some([ticket_id_of("conversation", own)]) == []
    assert (sessions.turns("s7", now=now), len(sessions.turns("s8", now=now))) == ((), 2)
    everything = repr([desk.talks.store._conversations, desk.talks.store._messages, desk.talks.answers._kept])
    assert "customer-7" not in everything
    assert customer_key("customer-7") not in everything
    assert "Seven" not in everything
    assert erased(desk, "customer-7")["messages"] == 0


def test_a_customer_is_named_in_the_path_as_in_the_header(desk: Desk) -> None:
    name = "ada+1@example.com/ü"
    own = replace(desk, http=desk.http.as_(X_External_User_Id=name))
    own.send(own.open())

    assert erased(desk, "ada%2B1%40example.com%2F%C3%BC")["messages"] == 2


def test_nobody_of_that_name_is_no_error(desk: Desk) -> None:
    assert erased(desk, "nobody") == {
        "status": "ok",
        "conversations": 0,
        "messages": 0,
        "answers": 0,
        "turns": 0,
    }


def test_a_name_that_was_left_blank_erases_nobody_and_says_so(desk: Desk) -> None:
    admin = Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)

    answer = admin.delete("/v1/admin/end-users/%20")

    assert answer.status == 422
    assert "external_user_id" in answer.json["detail"]


def test_only_an_admin_erases(desk: Desk) -> None:
    assert desk.http.delete("/v1/admin/end-users/customer-7").status == 403


def test_what_is_said_while_a_customer_is_erased_is_found_by_the_last_look(desk: Desk) -> None:
    seven = replace(desk, http=desk.http.as_(X_External_User_Id="customer-7"))
    seven.send(seven.open())
    job = desk.talks.desk.begin("customer-7", created_by="grace")
    desk.talks.erasing.go_on(job.job_id, seconds=100)
    late = seven.open()

    desk.talks.erasing.go_on(job.job_id, seconds=100)
    desk.talks.erasing.go_on(job.job_id, seconds=100)

    assert desk.http.get(f"/v1/conversations/{late}").status == 404
    assert desk.talks.knowledge.jobs.get(job.job_id).result["conversations"] == 2


def test_an_erasure_without_time_goes_on_with_the_next_message(desk: Desk) -> None:
    seven = replace(desk, http=desk.http.as_(X_External_User_Id="customer-7"))
    talk = seven.open()
    job = desk.talks.desk.begin("customer-7", created_by="grace")
    queue = desk.talks.knowledge.export_queue
    queue.take()

    desk.talks.erasing.go_on(job.job_id, seconds=0)

    assert queue.take() == [CustomerToErase(job_id=job.job_id)]
    assert desk.talks.said(talk) == []
    assert desk.http.get(f"/v1/conversations/{talk}").status == 200


# ------------------------------------------------------------------ wire


@pytest.mark.parametrize("path", sorted(Path("events/chat").glob("*.json")), ids=lambda path: path.stem)
def test_a_wire_event_is_answered(path: Path, desk: Desk) -> None:
    now = datetime.now(UTC)
    talk = Conversation(
        conversation_id=TALK_ID,
        principal="key:api",
        source_type=SourceType.TICKET,
        source_id="1042",
        created_at=now - timedelta(seconds=1),
        updated_at=now,
    )
    desk.talks.store.add(talk)
    message_id = desk.send(TALK_ID).json["message"]["message_id"]
    text = path.read_text(encoding="utf-8").replace("00000000-0000-4000-8000-000000000022", message_id)
    for name, value in (("API_KEY", API_KEY), ("ADMIN_API_KEY", ADMIN_KEY)):
        text = text.replace(f"${{{name}}}", value)
    event = json.loads(text)

    answer = answered(app.handler(event, Context()))

    assert answer.status in (200, 202, 204), answer.text
    operation = described("Candor")["paths"][event["resource"]][event["httpMethod"].lower()]
    assert str(answer.status) in operation["responses"]
