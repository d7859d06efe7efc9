"""The inbox: one contract, over every adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from candor.adapters.dynamodb_inbox import DynamoInbox
from candor.adapters.memory_inbox import MemoryInbox
from candor.answering.values import Decision
from candor.errors import NotFound
from candor.inbox.store import LEASE_SECONDS, Inbox
from candor.inbox.values import KEPT, Claim, Incoming, Source, State, inbox_id_of
from candor.sessions import customer_key
from tests.doubles.tables import create_table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    ahead: float = 0.0

    def __call__(self) -> float:
        return NOW.timestamp() + self.ahead


@dataclass
class Kept:
    inbox: Inbox
    clock: Clock


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    clock = Clock()
    if request.param == "memory":
        yield Kept(MemoryInbox(clock=clock), clock)
        return
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    yield Kept(DynamoInbox(create_table("InboxTable"), clock=clock), clock)


def letter(number: int = 1, **more: object) -> Incoming:
    message_id = f"m{number}"
    values = {
        "inbox_id": inbox_id_of(Source.PLAIN, "key:api", message_id),
        "source": Source.PLAIN,
        "principal": "key:api",
        "chat_id": "касса 7",
        "message_id": message_id,
        "text": "Як довго?\n🦎",
        "user": "client-42",
        "details": {"dialog": "chat5"},
        "sealed": "mem:abc",
        "trace_id": "t-1",
        "created_at": NOW,
        "expires_at": NOW + KEPT,
    }
    return Incoming(**{**values, **more})  # type: ignore[arg-type]


def test_a_message_is_kept_as_it_came(kept: Kept) -> None:
    assert kept.inbox.accept(letter()) == (letter(), True)
    assert kept.inbox.get(letter().inbox_id) == letter()


def test_an_unknown_message_is_not_found(kept: Kept) -> None:
    with pytest.raises(NotFound):
        kept.inbox.get("nobody")


def test_the_same_message_again_is_known_and_stays_as_it_was(kept: Kept) -> None:
    kept.inbox.accept(letter())

    assert kept.inbox.accept(letter(text="other words")) == (letter(), False)


def test_of_many_at_once_one_is_new(kept: Kept) -> None:
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(lambda _: kept.inbox.accept(letter())[1], range(16)))

    assert accepted.count(True) == 1


def test_after_its_time_a_message_is_gone_and_may_come_anew(kept: Kept) -> None:
    kept.inbox.accept(letter())
    kept.clock.ahead = KEPT.total_seconds() + 1

    with pytest.raises(NotFound):
        kept.inbox.get(letter().inbox_id)
    later = letter(text="again", created_at=NOW + KEPT, expires_at=NOW + 2 * KEPT)
    assert kept.inbox.accept(later) == (later, True)


def test_what_is_settled_loses_its_words_and_its_key(kept: Kept) -> None:
    kept.inbox.accept(letter())
    kept.inbox.heard(letter(), conversation_id="c1", number=3)
    kept.inbox.settle(letter().inbox_id, State.ESCALATED, answer_id="a1", decision=Decision.ESCALATE)

    settled = kept.inbox.get(letter().inbox_id)

    assert settled == replace(
        letter(),
        text="",
        sealed="",
        details={},
        state=State.ESCALATED,
        conversation_id="c1",
        answer_id="a1",
        decision=Decision.ESCALATE,
    )


def test_what_could_not_be_told_keeps_what_it_needs_to_be_told_later(kept: Kept) -> None:
    kept.inbox.accept(letter())
    kept.inbox.settle(letter().inbox_id, State.FAILED, answer_id="a1", decision=Decision.PASS)

    failed = kept.inbox.get(letter().inbox_id)

    assert (failed.state, failed.text, failed.sealed) == (State.FAILED, letter().text, letter().sealed)


def test_an_answer_finds_the_messages_it_answers_in_order(kept: Kept) -> None:
    for number in (1, 2, 3):
        kept.inbox.accept(letter(number))
        kept.inbox.heard(letter(number), conversation_id="c1", number=number * 2 - 1)
    kept.inbox.accept(letter(9))
    kept.inbox.heard(letter(9), conversation_id="c2", number=1)

    assert kept.inbox.message_ids("c1", first=3, last=5) == ["m2", "m3"]
    assert kept.inbox.message_ids("c1", first=6, last=9) == []


def test_one_of_many_may_tell_an_answer(kept: Kept) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: kept.inbox.claim("a1", "text"), range(12)))

    assert sorted(claims) == [Claim.FIRST] + [Claim.TAKEN] * 11
    assert kept.inbox.claim("a1", "operator") is Claim.FIRST
    assert kept.inbox.claim("a2", "text") is Claim.FIRST


def test_what_is_told_is_told_for_good(kept: Kept) -> None:
    kept.inbox.claim("a1", "text")
    kept.inbox.told("a1", "text")
    kept.clock.ahead = 10 * LEASE_SECONDS

    assert kept.inbox.claim("a1", "text") is Claim.DONE


def test_who_died_telling_is_followed_by_another_who_knows_of_it(kept: Kept) -> None:
    kept.inbox.claim("a1", "text")
    kept.clock.ahead = LEASE_SECONDS + 1

    assert kept.inbox.claim("a1", "text") is Claim.AGAIN


def test_what_could_not_be_told_may_be_tried_at_once(kept: Kept) -> None:
    kept.inbox.claim("a1", "text")
    kept.inbox.release("a1", "text")

    assert kept.inbox.claim("a1", "text") is Claim.AGAIN


def test_a_customer_is_forgotten_and_what_comes_late_brings_nothing_back(kept: Kept) -> None:
    for number, user in ((1, "client-42"), (2, "client-42"), (3, "client-43"), (4, None)):
        kept.inbox.accept(letter(number, user=user))
        kept.inbox.heard(letter(number, user=user), conversation_id="c1", number=number)

    assert kept.inbox.forget_customer(customer_key("client-42")) == 2
    assert kept.inbox.forget_customer(customer_key("client-42")) == 0
    kept.inbox.settle(letter(1).inbox_id, State.ANSWERED, answer_id="a1")
    kept.inbox.heard(letter(2), conversation_id="c1", number=2)

    for number in (1, 2):
        with pytest.raises(NotFound):
            kept.inbox.get(letter(number).inbox_id)
    assert kept.inbox.message_ids("c1", first=1, last=9) == ["m3", "m4"]


def test_the_ids_of_one_key_are_not_those_of_another() -> None:
    ids = {
        inbox_id_of(source, principal, message_id)
        for source in Source
        for principal, message_id in (("key:api", "1"), ("key:api1", ""), ("key:ap", "i1"))
    }

    assert len(ids) == 9
