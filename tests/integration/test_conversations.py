"""Conversations: one contract, over every adapter."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from candor.accounts import Means, Principal
from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_conversations import MemoryConversations
from candor.answering.values import Answer, Citation, Decision, Question, Tell
from candor.conversations import values
from candor.conversations.access import Access
from candor.conversations.replying import Replying
from candor.conversations.store import Conversations
from candor.conversations.values import Conversation, Message, SourceType, Speaker
from candor.errors import Conflict, NotFound
from candor.sessions import customer_key
from tests.doubles.tables import create_table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEEP = timedelta(days=30)
TALK = Conversation(
    conversation_id="c1",
    principal="user:ada",
    source_type=SourceType.TICKET,
    source_id="42",
    metadata={"subject": "Rückgabe", "tags": ["a", {"b": 1.5}], "none": None},
    created_at=NOW,
    updated_at=NOW,
    expires_at=NOW + KEEP,
)
ANSWER = Answer(
    answer_id="a1",
    decision=Decision.PASS,
    text="Within 30 days.",
    citations=(
        Citation(
            chunk_id="refunds:1:0",
            document_id="refunds",
            source_url="https://example.com/refunds",
            doc_type="policy",
            title="Refunds",
            quote="30 days",
        ),
    ),
    followup_questions=("Was it paid by card?",),
    confidence=0.8125,
    debug={"model": "extractive", "retrieval": {"hits": 3}},
    created_at=NOW,
)


@pytest.fixture(
    params=[
        "memory",
        "moto",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("ministack", "dynamodb_local")),
    ]
)
def technology(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "moto":
        with mock_aws():
            yield "moto"
        return
    if request.param != "memory":
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    yield request.param


@pytest.fixture
def store(technology: str) -> Conversations:
    if technology == "memory":
        return MemoryConversations()
    from candor.adapters.dynamodb_conversations import DynamoConversations

    store = DynamoConversations(create_table("ConversationsTable"))
    # A second table in the process changes nothing.
    DynamoConversations(create_table("ConversationsTable")).list(page=1, page_size=1)
    return store


def said(
    store: Conversations, text: str, *, talk: str = "c1", customer: str | None = None, at: datetime = NOW
) -> Message:
    before = store.get(talk)
    after, message = values.heard(
        before,
        message_id=f"m{before.message_count + 1}",
        content=text,
        external_user_id=customer,
        trace_id="t1",
        now=at,
        keep=KEEP,
    )
    store.change(before, after, message)
    return message


def told(store: Conversations, *, talk: str = "c1", answer: Answer = ANSWER, at: datetime = NOW) -> Message:
    before = store.get(talk)
    after, message = values.answered(
        before, answer, answers_to=before.message_count, trace_id="t1", now=at, keep=KEEP
    )
    store.change(before, after, message)
    return message


def ids(found: tuple[object, int]) -> list[str]:
    conversations, _ = found
    return [each.conversation_id for each in conversations]  # type: ignore[attr-defined]


def test_a_conversation_reads_back_as_it_was_added(store: Conversations) -> None:
    store.add(TALK)

    assert store.get("c1") == TALK
    with pytest.raises(NotFound):
        store.get("c2")
    with pytest.raises(Conflict):
        store.add(TALK)


def test_messages_read_back_in_order_as_they_were_said(store: Conversations) -> None:
    store.add(TALK)

    asked = said(store, "Within how many days? 🙂\n\tالسلام", customer="customer 7")
    answered = told(store)

    assert store.messages("c1", first=1, last=100) == [asked, answered]
    assert store.messages("c1", first=2, last=2) == [answered]
    assert store.messages("c1", first=-4, last=1) == [asked]
    assert store.messages("c1", first=3, last=2) == store.messages("c2", first=1, last=9) == []
    assert (store.get("c1").message_count, store.get("c1").settled) == (2, 2)


def test_a_message_is_found_by_its_id(store: Conversations) -> None:
    store.add(TALK)
    asked, answered = said(store, "How long?"), told(store)

    assert store.find("c1", asked.message_id) == asked
    assert store.find("c1", answered.message_id) == answered
    for conversation_id, message_id in (("c1", "nothing"), ("c2", "m1"), ("c1", "#"), ("c1", "x" * 1_024)):
        with pytest.raises(NotFound):
            store.find(conversation_id, message_id)


def test_a_change_of_what_has_gone_on_meanwhile_is_a_conflict_and_adds_nothing(store: Conversations) -> None:
    store.add(TALK)
    said(store, "First")

    after, message = values.heard(
        TALK, message_id="late", content="Late", external_user_id=None, trace_id="", now=NOW, keep=KEEP
    )
    with pytest.raises(Conflict):
        store.change(TALK, after, message)

    assert [each.content for each in store.messages("c1", first=1, last=9)] == ["First"]
    with pytest.raises(NotFound):
        store.find("c1", "late")


def test_a_message_under_an_id_that_is_taken_is_a_conflict_and_changes_nothing(store: Conversations) -> None:
    store.add(TALK)
    said(store, "First")
    before = store.get("c1")

    after, message = values.heard(
        before, message_id="m1", content="Again", external_user_id=None, trace_id="", now=NOW, keep=KEEP
    )
    with pytest.raises(Conflict):
        store.change(before, after, message)

    assert store.get("c1") == before
    assert len(store.messages("c1", first=1, last=9)) == 1


def test_a_change_of_what_is_not_there_is_a_conflict(store: Conversations) -> None:
    with pytest.raises(Conflict):
        store.change(TALK, values.described(TALK, {}, NOW))
    with pytest.raises(NotFound):
        store.get("c1")


def test_lists_are_newest_first_by_page_and_by_what_is_asked_for(store: Conversations) -> None:
    for number in range(9):
        store.add(
            replace(
                TALK,
                conversation_id=f"c{number}",
                principal="user:ada" if number % 3 else "user:bob",
                source_type=SourceType.LIVECHAT if number % 2 else SourceType.TICKET,
                source_id=f"s{number % 4}",
                created_at=NOW + timedelta(seconds=number),
            )
        )

    pages = [store.list(page=page, page_size=4) for page in (1, 2, 3, 4)]

    assert [each for page in pages for each in ids(page)] == [f"c{n}" for n in range(8, -1, -1)]
    assert {total for _, total in pages} == {9}
    assert ids(store.list(page=1, page_size=9, principal="user:bob")) == ["c6", "c3", "c0"]
    assert ids(store.list(page=2, page_size=2, principal="user:bob")) == ["c0"]
    assert ids(store.list(page=1, page_size=9, principal="user")) == []
    assert ids(store.list(page=1, page_size=9, source_type=SourceType.LIVECHAT)) == ["c7", "c5", "c3", "c1"]
    assert ids(store.list(page=1, page_size=9, source_id="s1")) == ["c5", "c1"]
    assert ids(store.list(page=1, page_size=9, source_type=SourceType.TICKET, source_id="s1")) == []
    assert store.list(page=1, page_size=1, source_id="s0", principal="user:ada")[1] == 2
    assert ids(
        store.list(page=1, page_size=9, principal="user:bob", source_type=SourceType.TICKET, source_id="s2")
    ) == ["c6"]


def test_the_first_message_that_is_left_is_found(store: Conversations) -> None:
    store.add(TALK)
    for day in range(5):
        said(store, f"day {day}", at=NOW + timedelta(days=day))

    assert store.oldest("c1", now=NOW + timedelta(days=29)) == 1
    assert store.oldest("c1", now=NOW + timedelta(days=32, hours=1)) == 4
    assert store.oldest("c1", now=NOW + timedelta(days=99)) == 0
    assert store.oldest("c2", now=NOW) == 0


def test_an_answer_is_rated_and_its_last_rating_counts(store: Conversations) -> None:
    store.add(TALK)
    said(store, "How long?")
    answered = told(store)

    store.rate("c1", 2, rating=2, comment="Hm.")
    store.rate("c1", 2, rating=5, comment="")

    assert store.find("c1", "a1") == replace(answered, rating=5, comment="")
    with pytest.raises(NotFound):
        store.rate("c1", 9, rating=5, comment="")
    assert store.messages("c1", first=9, last=9) == []


def test_a_message_is_blanked_and_keeps_its_place(store: Conversations) -> None:
    store.add(TALK)
    said(store, "I live in Kyiv.", customer="customer 7")
    answered = told(store)
    store.rate("c1", 2, rating=1, comment="She told me nothing.")

    store.blank("c1", 1)
    store.blank("c1", 2)
    store.blank("c1", 3)

    first, second = store.messages("c1", first=1, last=9)
    assert (first.content, first.external_user_id, first.number) == ("", None, 1)
    assert second == answered.blanked()
    assert store.find("c1", "a1").comment == ""


def test_what_is_deleted_is_gone_with_everything(store: Conversations) -> None:
    store.add(TALK)
    for number in range(30):
        said(store, f"{number}", customer="customer 7")
    store.add(replace(TALK, conversation_id="c11"))
    said(store, "Stays", talk="c11", customer="customer 7")

    assert store.delete("c1") == 0
    assert len(store.messages("c1", first=1, last=99)) == 30
    before = store.get("c1")
    store.change(before, values.removed(before))
    assert ids(store.list(page=1, page_size=9)) == ["c11"]
    assert store.delete("c1") == 30

    assert store.messages("c1", first=1, last=99) == []
    assert store.of_customer(customer_key("customer 7"), limit=9) == ["c11"]
    assert store.delete("c1") == 0
    assert [each.content for each in store.messages("c11", first=1, last=9)] == ["Stays"]
    with pytest.raises(NotFound):
        store.get("c1")


def test_conversations_are_found_by_their_customers(store: Conversations) -> None:
    seven, eight = customer_key("customer 7"), customer_key("customer 8")
    store.add(replace(TALK, customers=frozenset({seven})))
    store.add(replace(TALK, conversation_id="c2"))
    said(store, "Hello", talk="c2", customer="customer 7")
    said(store, "Hello", talk="c2", customer="customer 8")
    said(store, "Again", talk="c2", customer="customer 8")

    assert sorted(store.of_customer(seven, limit=9)) == ["c1", "c2"]
    assert len(store.of_customer(seven, limit=1)) == 1
    assert store.of_customer(eight, limit=9) == ["c2"]
    assert store.get("c2").customers == {seven, eight}

    store.forget_customer("c2", seven)
    assert store.of_customer(seven, limit=9) == ["c1"]
    assert store.of_customer(eight, limit=9) == ["c2"]


def test_the_longest_message_and_metadata_fit(store: Conversations) -> None:
    long = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(10_000))
    store.add(replace(TALK, metadata={"note": long[:10_000]}))

    message = said(store, long)
    told(store, answer=replace(ANSWER, debug={"evidence": [long] * 30}))

    assert store.find("c1", message.message_id).content == long
    assert store.find("c1", "a1").content == ANSWER.text


class Echo:
    """Answers with what it was asked."""

    def __init__(self, before: Callable[[Question], None] = lambda question: None) -> None:
        self.asked: list[Question] = []
        self._before = before
        self._numbers = itertools.count()

    def answer(self, question: Question, *, tell: Tell | None = None) -> Answer:
        self.asked.append(question)
        self._before(question)
        number = next(self._numbers)
        return replace(
            ANSWER, answer_id=f"answer-{number}", text=f"<{question.text}>", citations=(), debug={}
        )


# Not over moto: a transaction that it cancels takes other threads' writes back.
@pytest.mark.parametrize(
    "technology",
    ["memory", *(pytest.param(n, marks=pytest.mark.slow) for n in ("ministack", "dynamodb_local"))],
    indirect=True,
)
def test_of_many_senders_at_once_nothing_is_lost_doubled_or_out_of_order(
    store: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = Principal(principal_id="user:ada", means=Means.JWT)
    store.add(replace(TALK, expires_at=None))
    echo = Echo()
    # Nobody is told that it takes too long here, however long it takes.
    monkeypatch.setattr("candor.conversations.access._TRIES_SECONDS", 600.0)
    replying = Replying(
        access=Access(store=store), answering=echo, snapshots=MemoryAnswers(), monotonic=lambda: 0.0
    )
    senders = 12

    def send(number: int) -> list[str]:
        each = [f"question {number}.{turn}?" for turn in range(2)]
        answers = [replying.send("c1", text, principal=ada).answer for text in each]
        assert all(f"{text}" in answer.content for text, answer in zip(each, answers, strict=True))
        return [answer.message_id for answer in answers]

    with ThreadPoolExecutor(max_workers=senders) as pool:
        got = list(pool.map(send, range(senders)))

    talk = store.get("c1")
    messages = store.messages("c1", first=1, last=talk.message_count)
    asked = [m for m in messages if m.speaker is Speaker.USER]
    answers = [m for m in messages if m.speaker is Speaker.ASSISTANT]
    assert [m.number for m in messages] == list(range(1, talk.message_count + 1))
    assert sorted(m.content for m in asked) == sorted(
        f"question {s}.{t}?" for s in range(senders) for t in range(2)
    )
    assert [m.created_at for m in messages] == sorted(m.created_at for m in messages)
    assert {message_id for each in got for message_id in each} == {m.message_id for m in answers}
    # Each question is in exactly one answer.
    told_lines = [line for m in answers for line in m.content.strip("<>").split("\n")]
    assert sorted(told_lines) == sorted(m.content for m in asked)
    for number in range(senders):
        own = [m.number for m in asked if m.content.startswith(f"question {number}.")]
        assert own == sorted(own)
    assert not talk.run
    assert talk.settled == talk.message_count
