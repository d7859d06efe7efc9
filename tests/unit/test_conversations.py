"""Conversations: who answers what, once, whatever comes in between."""

import re
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from candor.answering.values import Decision, Question, Turn
from candor.conversations import values
from candor.conversations.access import Access
from candor.conversations.persons import language_of, wants_person
from candor.conversations.replying import Replying
from candor.conversations.values import LEASE
from candor.errors import Conflict, Invalid, NotFound, Unavailable
from candor.tickets.proposing import CONTENT
from candor.tickets.values import Approval, Role, ticket_id_of
from tests.doubles.talks import ADA, ADMIN, BOB, Clock, Talks
from tests.waiting import until


@pytest.fixture
def talks() -> Talks:
    return Talks()


def send(talks: Talks, talk: str, text: str, **more: str) -> str:
    return talks.replying.send(talk, text, principal=ADA, **more).answer.content


# ------------------------------------------------------------------ answering


def test_a_message_is_kept_and_answered_and_the_answer_is_kept(talks: Talks) -> None:
    talk = talks.open().conversation_id

    told = talks.replying.send(talk, "How long?", principal=ADA, customer="customer 7", trace_id="t1")

    assert talks.said(talk) == ["How long?", "<How long?>"]
    asked, answer = talks.store.messages(talk, first=1, last=2)
    assert (told.heard, told.answer) == (asked, answer)
    assert asked.external_user_id == "customer 7"
    assert (answer.answers_from, answer.answers_to, answer.decision) == (1, 1, Decision.PASS)
    snapshot = talks.answers.get(answer.message_id)
    assert (snapshot.conversation_id, snapshot.external_user_id, snapshot.trace_id) == (
        talk,
        "customer 7",
        "t1",
    )


def test_earlier_turns_are_the_history_and_no_more_than_the_last_few(talks: Talks) -> None:
    talk = talks.open().conversation_id

    for number in range(5):
        send(talks, talk, f"q{number}?")

    last = talks.assistant.asked[-1]
    assert last.text == "q4?"
    assert last.history == tuple(
        Turn(role=role, content=content)  # type: ignore[arg-type]
        for number in (1, 2, 3)
        for role, content in (("user", f"q{number}?"), ("assistant", f"<q{number}?>"))
    )


def test_the_message_is_kept_before_anything_is_written(talks: Talks) -> None:
    talk = talks.open().conversation_id
    seen: list[list[str]] = []
    talks.assistant.while_writing = lambda question: seen.append(talks.said(talk))

    send(talks, talk, "How long?")

    assert seen == [["How long?"]]


def test_a_worker_that_fails_leaves_the_message_to_the_next(talks: Talks) -> None:
    talk = talks.open().conversation_id

    def crash(question: Question) -> None:
        raise ZeroDivisionError

    talks.assistant.while_writing = crash
    with pytest.raises(ZeroDivisionError):
        send(talks, talk, "First?")
    talks.assistant.while_writing = lambda question: None

    assert send(talks, talk, "Second?") == "<First?\nSecond?>"
    assert talks.said(talk) == ["First?", "Second?", "<First?\nSecond?>"]


def test_a_worker_that_was_killed_blocks_nobody_for_longer_than_its_lease() -> None:
    talks = Talks(clock=Clock(stands=True))
    talk = talks.open().conversation_id
    heard = talks.replying.hear(talk, "First?", principal=ADA)
    assert heard.turn is not None  # ... and is never heard of again.
    patient, waited = _patient(talks)
    answer = patient.send(talk, "Second?", principal=ADA).answer

    assert answer.content == "<First?\nSecond?>"
    assert LEASE.total_seconds() - 1 < sum(waited) < LEASE.total_seconds() + 1


def test_who_waits_too_long_is_told_that_the_message_is_kept(talks: Talks) -> None:
    talk = talks.open().conversation_id
    talks.replying.hear(talk, "First?", principal=ADA)
    ticks = iter(range(10_000))
    impatient = Replying(
        access=replace(talks.access, pause=lambda _: None),
        answering=talks.assistant,
        snapshots=talks.answers,
        monotonic=lambda: float(next(ticks)),
    )

    with pytest.raises(Unavailable, match="kept"):
        impatient.send(talk, "Second?", principal=ADA)

    assert talks.said(talk) == ["First?", "Second?"]


def test_a_slow_writer_keeps_its_lease(talks: Talks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("candor.conversations.replying.Renewing", _quick)
    talk = talks.open().conversation_id
    ends = []

    def slowly(question: Question) -> None:
        for _ in range(3):
            ends.append(talks.store.get(talk).lease_until)
            until(lambda: talks.store.get(talk).lease_until != ends[-1], every=0.005)

    talks.assistant.while_writing = slowly
    send(talks, talk, "How long?")

    assert ends[0] < ends[1] < ends[2]  # type: ignore[operator]
    assert talks.store.get(talk).lease_until is None


def _quick(*, access: Access, conversation_id: str, run: str) -> object:
    from candor.conversations.leases import Renewing

    return Renewing(access=access, conversation_id=conversation_id, run=run, every=0.02)


# ------------------------------------------------------------------ bursts


def test_what_is_said_while_an_answer_is_written_is_answered_together_with_it_once(talks: Talks) -> None:
    talk = talks.open().conversation_id
    with ThreadPoolExecutor(max_workers=3) as pool:
        later: list[Future[str]] = []

        def say_more(question: Question) -> None:
            if not later:
                later.extend(pool.submit(send, talks, talk, text) for text in ("And cards?", "In euros?"))
                until(lambda: len(talks.said(talk)) == 3)

        talks.assistant.while_writing = say_more
        first = send(talks, talk, "How long?")
        others = [each.result(60) for each in later]

    assert set(first.strip("<>").split("\n")) == {"How long?", "And cards?", "In euros?"}
    assert others == [first, first]
    assert len(talks.said(talk)) == 4


def test_an_answer_is_overtaken_once_and_then_told(talks: Talks) -> None:
    talk = talks.open().conversation_id
    with ThreadPoolExecutor(max_workers=4) as pool:
        later: list[Future[str]] = []

        def say_more(question: Question) -> None:
            if len(later) < 3:
                before = len(talks.said(talk))
                later.append(pool.submit(send, talks, talk, f"More {len(later)}?"))
                until(lambda: len(talks.said(talk)) > before)

        talks.assistant.while_writing = say_more
        first = send(talks, talk, "How long?")
        for each in later:
            each.result(60)

    assert first == "<How long?\nMore 0?>"
    answered = [line for text in talks.said(talk) if text[0] == "<" for line in text.strip("<>").split("\n")]
    assert sorted(answered) == ["How long?", "More 0?", "More 1?", "More 2?"]


def test_among_several_messages_a_bare_greeting_says_nothing(talks: Talks) -> None:
    talk = talks.open().conversation_id
    talks.replying.hear(talk, "Hello!", principal=ADA)
    talks.clock.ahead = timedelta(seconds=60)

    assert send(talks, talk, "How long do refunds take?") == "<How long do refunds take?>"


def test_the_same_message_under_the_same_key_is_one_message(talks: Talks) -> None:
    talk = talks.open().conversation_id

    first = talks.replying.send(talk, "How long?", principal=ADA, key="k1")
    again = talks.replying.send(talk, "How long?", principal=ADA, key="k1")
    other = talks.replying.send(talk, "How long?", principal=ADA, key="k2")

    assert (first.heard, first.answer) == (again.heard, again.answer)
    assert other.heard.message_id != first.heard.message_id
    assert talks.store.get(talk).message_count == 4


def test_two_deliveries_of_one_message_at_once_are_one_message(talks: Talks) -> None:
    talk = talks.open().conversation_id

    with ThreadPoolExecutor(max_workers=8) as pool:
        told = list(
            pool.map(lambda _: talks.replying.send(talk, "How long?", principal=ADA, key="k"), range(8))
        )

    assert talks.said(talk) == ["How long?", "<How long?>"]
    assert len({each.answer.message_id for each in told}) == 1


def test_a_write_whose_answer_was_lost_is_not_written_again(
    talks: Talks, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, change = talks.open().conversation_id, talks.store.change

    def lost_once(*given: Any) -> None:
        change(*given)
        monkeypatch.setattr(talks.store, "change", change)
        raise Conflict("The conversation has gone on meanwhile.")

    monkeypatch.setattr(talks.store, "change", lost_once)
    patient, waited = _patient(talks)
    told = patient.send(talk, "How long?", principal=ADA)

    # It knows its own write, and does not wait for the end of the turn that it took itself.
    assert sum(waited) < LEASE.total_seconds() / 2
    assert told.answer.content == "<How long?>"
    assert talks.said(talk) == ["How long?", "<How long?>"]


def test_a_key_is_one_callers_own_and_one_conversations_own(talks: Talks) -> None:
    first, second = talks.open().conversation_id, talks.open().conversation_id

    for talk, customer in ((first, None), (first, "customer 7"), (second, None)):
        talks.replying.send(talk, "How long?", principal=ADA, customer=customer, key="k1")

    assert talks.store.get(first).message_count == 4
    assert talks.store.get(second).message_count == 2


# ------------------------------------------------------------------ a person


def test_while_a_person_owns_it_messages_are_kept_and_the_assistant_is_silent(talks: Talks) -> None:
    talk = talks.open().conversation_id
    send(talks, talk, "How long?")

    talks.conversing.take_over(talk, ADMIN)
    told = talks.replying.send(talk, "Are you there?", principal=ADA)

    assert (told.answer.content, told.answer.decision) == ("", Decision.ESCALATE)
    assert talks.said(talk) == ["How long?", "<How long?>", "Are you there?"]
    assert len(talks.assistant.asked) == 1


def test_who_takes_over_while_an_answer_is_written_is_not_talked_over(talks: Talks) -> None:
    talk = talks.open().conversation_id

    def take_over(question: Question) -> None:
        talks.conversing.take_over(talk, ADMIN)

    talks.assistant.while_writing = take_over
    told = talks.replying.send(talk, "How long?", principal=ADA)

    assert (told.answer.content, told.answer.decision) == ("", Decision.ESCALATE)
    assert talks.said(talk) == ["How long?"]


def test_after_a_release_the_assistant_answers_what_comes_and_not_what_was_the_persons(talks: Talks) -> None:
    talk = talks.open().conversation_id
    talks.conversing.take_over(talk, ADMIN)
    send(talks, talk, "Are you there?")

    talks.conversing.release(talk, ADMIN)

    assert send(talks, talk, "And refunds?") == "<And refunds?>"
    assert talks.assistant.asked[-1].history == (Turn(role="user", content="Are you there?"),)


def test_taking_over_and_releasing_twice_is_doing_it_once(talks: Talks) -> None:
    talk = talks.open().conversation_id

    assert talks.conversing.take_over(talk, ADMIN).owner == ADMIN.principal_id
    assert talks.conversing.take_over(talk, ADMIN).owner == ADMIN.principal_id
    assert talks.conversing.release(talk, ADA).owner is None
    free = talks.conversing.release(talk, ADA)
    assert free == talks.store.get(talk)


def test_who_asks_for_a_person_is_handed_over_without_search_or_model(talks: Talks) -> None:
    talk = talks.open().conversation_id

    told = talks.replying.send(talk, "оператор", principal=ADA, customer="customer 7")

    assert told.answer.decision is Decision.ESCALATE
    assert told.answer.content.startswith("Конечно.")
    assert talks.assistant.asked == []
    snapshot = talks.answers.get(told.answer.message_id)
    assert (snapshot.text, snapshot.external_user_id) == (told.answer.content, "customer 7")
    assert talks.said(talk) == ["оператор", told.answer.content]


def test_who_asks_for_a_person_is_handed_over_though_answers_cannot_be_stored(talks: Talks) -> None:
    talk = talks.open().conversation_id
    talks.answers.down = True

    assert talks.replying.send(talk, "a human please", principal=ADA).answer.decision is Decision.ESCALATE


def test_who_asks_for_a_person_while_an_answer_is_written_gets_one_at_once(talks: Talks) -> None:
    talk = talks.open().conversation_id
    handed: list[str] = []

    def ask_for_person(question: Question) -> None:
        handed.append(send(talks, talk, "I want to talk to a human"))

    talks.assistant.while_writing = ask_for_person
    first = send(talks, talk, "How long?")

    assert handed == [first]
    assert talks.said(talk) == ["How long?", "I want to talk to a human", first]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("talk to a person", "en"),
        ("Human!", "en"),
        ("operator please", "en"),
        ("can I speak with someone?", "en"),
        ("connect me to support", "en"),
        ("оператор", "ru"),
        ("Позовите человека", "ru"),
        ("соедините меня с оператором", "ru"),
        ("нужен специалист", "ru"),
        ("покличте людину", "uk"),
        ("оператора, будь ласка", "uk"),
        ("Mitarbeiter", "de"),
        ("ein echter Mensch", "de"),
        ("Kann ich mit jemandem sprechen?", "de"),
        ("quiero hablar con una persona", "es"),
        ("agente", "es"),
        ("gặp nhân viên", "vi"),
        ("I don't want to talk to a bot", "en"),
        ("Is there anybody there?", "en"),
        ("please escalate this", "en"),
        ("can someone call me back", "en"),
        ("customer service please", "en"),
        ("перезвоните мне", "ru"),
        ("есть тут кто-нибудь живой?", "ru"),
        ("З'єднай мене з людиною", "uk"),
        ("Kann ich bitte mit jemandem telefonieren?", "de"),
        ("¿Hay alguien ahí?", "es"),
    ],
)
def test_a_person_is_asked_for_in_every_language_we_reply_in(text: str, language: str) -> None:
    assert wants_person(text)
    if text not in ("agente",):
        assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Je voudrais parler à un conseiller",
        "Voglio parlare con un operatore",
        "Quero falar com um atendente",
        "Ik wil een medewerker spreken",
        "Chcę rozmawiać z człowiekiem",
        "Müşteri temsilcisi ile görüşmek istiyorum",
        "我要转人工",
        "オペレーターと話したい",
        "상담원 연결해 주세요",
        "أريد التحدث إلى موظف",
    ],
)
def test_a_person_is_asked_for_in_languages_we_do_not_reply_in(text: str) -> None:
    assert wants_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "How do I get to the File Manager?",
        "How do I connect the monitoring agent to my server?",
        "How do I get my password manager to work with the panel?",
        "Can I transfer my domain to another person?",
        "How do I put my site into the plugin manager?",
        "Do you have a human resources department?",
        "How do I escalate a ticket?",
        "Can I call a script from cron?",
        "How do I add a person to my account?",
        "What is a user agent?",
        "The operator of the node refuses my requests, what can I do about it?",
        "How many people can use one account?",
        "I am not a robot, and the captcha does not work",
        "Wie lege ich einen Mitarbeiter im Kundenkonto an?",
        "Как добавить менеджера в аккаунт?",
        "переведите деньги обратно на карту",
        "¿Cuántas personas pueden usar la cuenta?",
        "hello",
        "",
    ],
)
def test_a_word_about_people_alone_hands_nobody_over(text: str) -> None:
    assert not wants_person(text)


def test_the_language_of_a_talk_is_that_of_what_was_said_before(talks: Talks) -> None:
    talk = talks.open().conversation_id
    send(talks, talk, "Wie lange dauert die Rückerstattung bei Überweisungen?")

    told = talks.replying.send(talk, "human", principal=ADA)

    assert told.answer.content.startswith("Of course")
    assert language_of("?!", before=["Wie lange dauert das bei Ihnen?"]) == "de"


# ------------------------------------------------------------------ whose it is


def test_a_conversation_is_its_makers_and_every_admins(talks: Talks) -> None:
    talk = talks.open(ADA).conversation_id

    assert talks.conversing.show(talk, ADMIN, page=1, page_size=10).conversation.conversation_id == talk
    for touch in (
        lambda: talks.conversing.show(talk, BOB, page=1, page_size=10),
        lambda: talks.conversing.describe(talk, BOB, {}),
        lambda: talks.conversing.take_over(talk, BOB),
        lambda: talks.conversing.release(talk, BOB),
        lambda: talks.conversing.delete(talk, BOB),
        lambda: talks.replying.send(talk, "Hello", principal=BOB),
        lambda: talks.conversing.rate(talk, "m", BOB, rating=5, comment=""),
    ):
        with pytest.raises(NotFound, match="no such conversation"):
            touch()
    assert talks.said(talk) == []


def test_one_sees_ones_own_and_an_admin_everybodys(talks: Talks) -> None:
    own, other = talks.open(ADA).conversation_id, talks.open(BOB).conversation_id

    def listed(principal: object) -> tuple[set[str], int]:
        found, total = talks.conversing.list(
            principal,  # type: ignore[arg-type]
            page=1,
            page_size=10,
            source_type=None,
            source_id=None,
        )
        return {each.conversation_id for each in found}, total

    assert listed(ADA) == ({own}, 1)
    assert listed(ADMIN) == ({own, other}, 2)


def test_card_numbers_are_masked_before_anything_is_kept(talks: Talks) -> None:
    talk = talks.conversing.open(
        principal=ADA,
        source_type=values.SourceType.LIVECHAT,
        source_id="s",
        metadata={"note": "4111 1111 1111 1111", "deep": [{"n": "5500005555555559"}]},
    )
    told = talks.replying.send(talk.conversation_id, "My card is 4111 1111 1111 1111.", principal=ADA)
    talks.conversing.rate(
        talk.conversation_id, told.answer.message_id, ADA, rating=1, comment="4111111111111111"
    )
    talks.conversing.describe(talk.conversation_id, ADA, {"note": "4111-1111-1111-1111"})

    kept = repr([talks.store._conversations, talks.store._messages, talk])
    digits = re.sub(r"[ -]", "", kept)  # Of a random id four in a row may be alike, eight are not.
    assert "11111111" not in digits
    assert "55555555" not in digits
    assert "[card]" in kept


def test_what_nobody_can_read_is_not_kept(talks: Talks) -> None:
    talk = talks.open().conversation_id

    send(talks, talk, "a\x07b\x1b[31m\tc\r\nd")

    assert talks.said(talk)[0] == "ab[31m\tc\r\nd"


# ------------------------------------------------------------------ aging


def test_messages_age_away_and_pages_begin_with_what_is_left(talks: Talks) -> None:
    talks = Talks(keep=timedelta(days=30))
    talk = talks.open().conversation_id
    for day in (0, 10, 20, 29):
        talks.clock.ahead = timedelta(days=day)
        send(talks, talk, f"day {day}?")

    talks.clock.ahead = timedelta(days=45)
    page = talks.conversing.show(talk, ADA, page=1, page_size=3)
    rest = talks.conversing.show(talk, ADA, page=2, page_size=3)

    assert [m.content for m in page.messages] == ["day 20?", "<day 20?>", "day 29?"]
    assert [m.content for m in rest.messages] == ["<day 29?>"]
    assert page.total == rest.total == 4


def test_a_conversation_is_gone_when_its_last_message_is(talks: Talks) -> None:
    talks = Talks(keep=timedelta(days=30))
    talk = talks.open().conversation_id
    talks.clock.ahead = timedelta(days=20)
    send(talks, talk, "Still here?")

    talks.clock.ahead = timedelta(days=49)
    assert talks.conversing.show(talk, ADA, page=1, page_size=9).total == 2
    talks.clock.ahead = timedelta(days=51)
    with pytest.raises(NotFound):
        talks.conversing.show(talk, ADA, page=1, page_size=9)
    with pytest.raises(NotFound):
        send(talks, talk, "And now?")
    assert talks.conversing.list(ADA, page=1, page_size=9, source_type=None, source_id=None)[0] == []


def test_what_is_kept_for_good_never_ages() -> None:
    talks = Talks(keep=None)
    talk = talks.open().conversation_id
    talks.clock.ahead = timedelta(days=10_000)

    assert send(talks, talk, "Still here?")


def test_history_that_has_aged_away_is_no_history() -> None:
    talks = Talks(keep=timedelta(days=30))
    talk = talks.open().conversation_id
    send(talks, talk, "I live in Kyiv.")
    talks.clock.ahead = timedelta(days=20)
    send(talks, talk, "Second?")
    talks.clock.ahead = timedelta(days=40)

    send(talks, talk, "Third?")

    assert [turn.content for turn in talks.assistant.asked[-1].history] == ["Second?", "<Second?>"]


# ------------------------------------------------------------------ deleting


def test_a_deleted_conversation_is_gone_and_stays_gone(talks: Talks) -> None:
    talk = talks.open().conversation_id
    send(talks, talk, "How long?")

    talks.conversing.delete(talk, ADA)

    for touch in (
        lambda: talks.conversing.show(talk, ADA, page=1, page_size=9),
        lambda: send(talks, talk, "Hello?"),
        lambda: talks.conversing.delete(talk, ADA),
    ):
        with pytest.raises(NotFound):
            touch()
    assert talks.said(talk) == []


def test_what_is_deleted_while_it_is_answered_leaves_nothing(talks: Talks) -> None:
    talk = talks.open().conversation_id
    talks.assistant.while_writing = lambda question: talks.conversing.delete(talk, ADA)

    with pytest.raises(NotFound):
        send(talks, talk, "How long?")

    assert talks.said(talk) == []
    with pytest.raises(NotFound):
        talks.answers.get("00000000-0000-4000-8000-000000000001")


def test_a_deletion_that_was_killed_half_way_is_finished_by_the_next(talks: Talks) -> None:
    talk = talks.open().conversation_id
    send(talks, talk, "How long?")
    before = talks.store.get(talk)
    talks.store.change(before, values.removed(before))
    with pytest.raises(NotFound):
        talks.conversing.show(talk, ADA, page=1, page_size=9)

    talks.conversing.delete(talk, ADA)

    assert talks.said(talk) == []


# ------------------------------------------------------------------ feedback


def test_what_went_well_is_laid_before_the_reviewers(talks: Talks) -> None:
    talk = talks.open().conversation_id
    talks.conversing.describe(talk, ADA, {"subject": "Refund of a domain"})
    question = "How many days do I have to ask for a refund of a domain that I ordered by mistake?"
    answer = talks.replying.send(talk, question, principal=ADA).answer

    ticket = talks.conversing.rate(talk, answer.message_id, ADA, rating=CONTENT, comment="That helped.")

    assert ticket is not None
    assert ticket.ticket_id == ticket_id_of("conversation", talk)
    assert (ticket.approval, ticket.subject) == (Approval.PENDING, "Refund of a domain")
    told = talks.knowledge.tickets.talk(ticket)
    assert told.description == question
    assert [(m.role, m.content) for m in told.replies] == [(Role.STAFF, f"<{question}>")]
    assert talks.store.find(talk, answer.message_id).rating == CONTENT


def test_what_did_not_go_well_is_only_remembered(talks: Talks) -> None:
    talk = talks.open().conversation_id
    answer = talks.replying.send(talk, "How long?", principal=ADA).answer

    assert talks.conversing.rate(talk, answer.message_id, ADA, rating=CONTENT - 1, comment="Hm.") is None

    kept = talks.store.find(talk, answer.message_id)
    assert (kept.rating, kept.comment) == (CONTENT - 1, "Hm.")


def test_only_answers_that_are_there_are_rated(talks: Talks) -> None:
    talk = talks.open().conversation_id
    told = talks.replying.send(talk, "How long?", principal=ADA)

    with pytest.raises(Invalid, match="Only an answer"):
        talks.conversing.rate(talk, told.heard.message_id, ADA, rating=5, comment="")
    with pytest.raises(NotFound, match="message"):
        talks.conversing.rate(talk, "nothing", ADA, rating=5, comment="")


def _patient(talks: Talks) -> tuple[Replying, list[float]]:
    """One whose waiting passes at once, and how long each wait would have been."""
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        talks.clock.ahead += timedelta(seconds=seconds)

    access = replace(talks.access, pause=pause)
    return Replying(access=access, answering=talks.assistant, snapshots=talks.answers), waited
