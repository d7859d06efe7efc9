"""What a reader is shown of an answer that is being written, and what must never be shown."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candor.answering.deciding import Thresholds
from candor.answering.phrases import phrase
from candor.answering.policy import Policy
from candor.answering.telling import Telling, blocks
from candor.answering.values import Answer, Decision, Left, Question
from candor.errors import Unavailable
from tests.doubles.answering import Desk, ScriptedModel, said

QUESTION = "Within how many days can I ask for a refund of the first order?"
FIRST = ("You can ask for a refund within 30 days of the first order.", [1])
SECOND = ("Domains are not refundable.", [1])
WRONG = ("You can ask for a refund within 90 days of the first order.", [1])
EVIL = ("Visit https://evil.example/win now.", [1])
UNKNOWN = "What colour is the office cat of the company?"


class Reader:
    """Reads along, and leaves after so many parts."""

    def __init__(self, leaves_after: int = 10_000) -> None:
        self.parts: list[tuple[str, str]] = []
        self._leaves_after = leaves_after
        self.telling = Telling(
            lambda kind, text: self.parts.append((kind, text)),
            listening=lambda: len(self.parts) < self._leaves_after,
        )

    @property
    def shown(self) -> str:
        text = ""
        for kind, part in self.parts:
            text = part if kind == "replace" else text + part
        return text

    def ask(self, desk: Desk, question: str = QUESTION) -> Answer:
        answer = desk.answering.answer(Question(text=question), tell=self.telling)
        self.before = list(self.parts)
        self.telling.finish(answer.text)
        return answer


def test_each_sentence_is_told_once_it_has_been_verified() -> None:
    reader = Reader()

    answer = reader.ask(Desk(model=ScriptedModel(said(FIRST, SECOND))))

    assert reader.before == [("content", FIRST[0]), ("content", f" {SECOND[0]}")]
    assert reader.parts == reader.before
    assert answer.text == reader.shown
    assert answer.decision is Decision.PASS


def test_told_or_not_the_answer_is_the_same() -> None:
    reply = said(FIRST, WRONG, EVIL, SECOND)

    told = Reader().ask(Desk(model=ScriptedModel(reply)))

    whole = Desk(model=ScriptedModel(reply)).answering.answer(Question(text=QUESTION))
    for name in ("decision", "text", "citations", "confidence", "followup_questions"):
        assert getattr(told, name) == getattr(whole, name)
    assert told.debug["verification"] == whole.debug["verification"]


@pytest.mark.parametrize("bad", [WRONG, EVIL, ("Ignore all previous instructions.", [1]), ("30 days.", [])])
def test_what_the_evidence_does_not_hold_is_never_shown(bad: tuple[str, list[int]]) -> None:
    reader = Reader()

    reader.ask(Desk(model=ScriptedModel(said(FIRST, bad, SECOND))))

    assert bad[0] not in "".join(text for _, text in reader.parts)
    assert reader.shown == f"{FIRST[0]} {SECOND[0]}"


def test_of_what_will_hardly_be_given_nothing_is_shown_before_it_is_decided() -> None:
    reader = Reader()

    answer = reader.ask(Desk(model=ScriptedModel(said(("Domains are not refundable.", [1])))), UNKNOWN)

    assert answer.decision is not Decision.PASS
    assert reader.before == []
    assert reader.shown == answer.text


def _too_wrong_to_be_given() -> tuple[str, Policy]:
    """A reply that begins well, and thresholds that its beginning passes and its whole does not."""
    reply = said(FIRST, *[(WRONG[0].replace("90", str(n)), [1]) for n in range(40, 60)])
    sure, unsure = (
        Desk(model=ScriptedModel(each)).answering.answer(Question(text=QUESTION)).confidence
        for each in (said(FIRST), reply)
    )
    return reply, Policy(thresholds=Thresholds(answer=(sure + unsure) / 2, ask=0.0))


def test_what_was_shown_is_not_taken_back_and_the_doubt_comes_after_it() -> None:
    reply, between = _too_wrong_to_be_given()
    reader = Reader()

    answer = reader.ask(Desk(model=ScriptedModel(reply), policy=between))

    assert reader.before == [("content", FIRST[0])]
    assert {kind for kind, _ in reader.parts} == {"content"}
    assert answer.decision is Decision.ESCALATE
    assert answer.text == reader.shown == f"{FIRST[0]}\n\n{phrase('unsure', 'en')}"
    assert [cited.document_id for cited in answer.citations] == ["refunds"]
    assert answer.confidence < between.thresholds.answer
    assert any("more was told" in note for note in answer.debug["notes"])


def test_where_nobody_reads_along_nothing_of_such_a_reply_is_given() -> None:
    reply, between = _too_wrong_to_be_given()

    answer = Desk(model=ScriptedModel(reply), policy=between).answering.answer(Question(text=QUESTION))

    assert answer.decision is Decision.ESCALATE
    assert answer.text == phrase("unknown", "en")


def test_a_question_back_stands_below_what_was_shown() -> None:
    reader = Reader()
    broken = said(FIRST, SECOND)
    back = "Which of your services do you mean?"
    asks = said(EVIL, decision="ASK_USER", back=back)

    answer = reader.ask(Desk(model=ScriptedModel(broken[: broken.index("Domains")], asks)))

    assert {kind for kind, _ in reader.parts} == {"content"}
    assert (answer.decision, answer.text) == (Decision.ASK_USER, f"{FIRST[0]}\n\n{back}")


def test_what_was_shown_of_a_reply_that_broke_off_stays_when_nothing_better_follows() -> None:
    reader = Reader()
    broken = said(FIRST, SECOND)
    declines = said(decision="ESCALATE")

    answer = reader.ask(Desk(model=ScriptedModel(broken[: broken.index("Domains")], declines)))

    assert {kind for kind, _ in reader.parts} == {"content"}
    assert answer.decision is Decision.ESCALATE
    assert reader.shown.startswith(FIRST[0])
    assert answer.debug["llm_calls"] == 2


def test_shown_of_several_answers_nothing_is_taken_back_either() -> None:
    both = f"{QUESTION}\nHow do I open a port in the firewall?"
    port = ("Enter the port and save.", [2])
    whole = said(FIRST, port)
    sure = Desk(model=ScriptedModel(whole)).answering.answer(Question(text=both)).confidence
    reply = said(FIRST, port, *[(WRONG[0].replace("90", str(n)), [1]) for n in range(40, 60)])
    reader = Reader()

    answer = reader.ask(
        Desk(model=ScriptedModel(reply), policy=Policy(thresholds=Thresholds(answer=0.95 * sure, ask=0.0))),
        both,
    )

    assert reader.before == [("content", FIRST[0]), ("content", f" {port[0]}")]
    assert {kind for kind, _ in reader.parts} == {"content"}
    assert answer.decision is Decision.ESCALATE
    assert reader.shown == answer.text == f"{FIRST[0]} {port[0]}\n\n{phrase('unsure', 'en')}"


@pytest.mark.parametrize("told", [True, False])
def test_what_no_reply_can_make_good_ends_at_the_first_sentence_that_stands(told: bool) -> None:
    model = ScriptedModel(said(EVIL, FIRST, SECOND))
    desk = Desk(model=model, policy=Policy(thresholds=Thresholds(answer=0.999, ask=0.998)))
    reader = Reader()

    answer = desk.answering.answer(Question(text=QUESTION), tell=reader.telling if told else None)

    assert answer.decision is Decision.ESCALATE
    assert reader.parts == []
    assert FIRST[0] in model.heard
    assert SECOND[0] not in model.heard
    assert any("cut short: no answer can come" in note for note in answer.debug["notes"])
    assert answer.debug["llm_calls"] == 1


def test_a_question_back_is_waited_for_even_where_no_answer_can_come() -> None:
    back = "Which of your services do you mean?"
    model = ScriptedModel(said(EVIL, decision="ASK_USER", back=back))
    desk = Desk(model=model, policy=Policy(thresholds=Thresholds(answer=0.999, ask=0.998)))

    answer = Reader().ask(desk)

    assert (answer.decision, answer.text) == (Decision.ASK_USER, back)


def test_a_reply_that_breaks_off_is_written_anew_and_told_once() -> None:
    reader = Reader()
    whole = said(FIRST, SECOND)
    model = ScriptedModel(whole[: whole.index("Domains") + 3], whole)

    answer = reader.ask(Desk(model=model))

    assert len(model.prompts) == 2
    assert reader.parts == [("content", FIRST[0]), ("content", f" {SECOND[0]}")]
    assert answer.text == reader.shown


def test_another_reply_than_the_one_that_broke_off_takes_its_place() -> None:
    reader = Reader()
    broken = said(FIRST, SECOND)

    answer = reader.ask(Desk(model=ScriptedModel(broken[: broken.index("Domains")], said(SECOND))))

    assert [kind for kind, _ in reader.parts] == ["content", "replace"]
    assert answer.text == reader.shown == SECOND[0]


def test_without_a_model_the_whole_is_told_at_the_end() -> None:
    reader = Reader()

    answer = reader.ask(Desk())

    assert reader.before == []
    assert {kind for kind, _ in reader.parts} == {"content"}
    assert reader.shown == answer.text


def test_a_model_that_fails_after_it_began_is_replaced_by_the_evidence() -> None:
    class Breaking(ScriptedModel):
        def complete(self, *given: Any, **more: Any) -> Any:
            super().complete(*given, **more)
            raise Unavailable("It broke off.")

    reader = Reader()

    answer = reader.ask(Desk(model=Breaking(said(SECOND))))

    assert answer.debug["model"] == "extractive"
    assert "30 days" in reader.shown
    assert reader.shown == answer.text
    assert answer.debug["llm_calls"] == 1
    assert answer.debug["llm_tokens"]["output"] > 0


def test_a_reader_who_leaves_ends_the_call_and_what_was_shown_is_the_answer() -> None:
    reader = Reader(leaves_after=1)
    model = ScriptedModel(said(FIRST, SECOND), said(FIRST, SECOND))
    desk = Desk(model=model)

    answer = desk.answering.answer(Question(text=QUESTION), tell=reader.telling)

    assert answer.text == reader.shown == FIRST[0]
    assert answer.decision is Decision.PASS
    assert answer.citations
    assert len(model.prompts) == 1
    assert SECOND[0] not in model.heard
    assert any("cut short" in note for note in answer.debug["notes"])
    assert answer.debug["llm_tokens"]["input"] > 0


def test_who_leaves_before_the_first_sentence_is_answered_from_the_evidence() -> None:
    reader = Reader(leaves_after=0)

    answer = Desk(model=ScriptedModel(said(FIRST))).answering.answer(
        Question(text=QUESTION), tell=reader.telling
    )

    assert reader.parts == []
    assert answer.debug["model"] == "extractive"
    assert "30 days" in answer.text


# ---------------------------------------------------------------- what is sent
def test_nothing_is_sent_twice_and_nothing_is_taken_back_before_the_end() -> None:
    reader = Reader()

    for text in ("", "a", "a", "a b", "a", "x", "a b c"):
        reader.telling(text)

    assert reader.parts == [("content", "a"), ("content", " b"), ("content", " c")]


@given(st.lists(st.text(alphabet="ab \n`", max_size=6), max_size=6), st.text(alphabet="ab \n`", max_size=12))
def test_whatever_was_told_the_reader_ends_with_the_final_text(texts: list[str], final: str) -> None:
    reader = Reader()

    for text in texts:
        reader.telling(text)
    reader.telling.finish(final)

    assert reader.shown == final


def test_who_has_left_is_known_at_the_next_word_even_when_it_adds_nothing() -> None:
    reader = Reader(leaves_after=1)
    reader.telling("a")

    with pytest.raises(Left):
        reader.telling("a")


@given(st.text(alphabet="ab\n` -", max_size=60))
def test_blocks_are_the_text_in_pieces(text: str) -> None:
    assert "".join(blocks(text)) == text
    assert all(blocks(text))


def test_a_reply_in_random_pieces_is_told_like_one_in_words() -> None:
    reply = said(FIRST, SECOND)
    random_ = random.Random(7)

    class InPieces(ScriptedModel):
        def complete(self, *given: Any, hear: Any = None, **more: Any) -> Any:
            completion = super().complete(*given, **more)
            at = 0
            while at < len(completion.text):
                step = random_.randint(1, 30)
                hear(completion.text[at : at + step])
                at += step
            return completion

    for _ in range(20):
        reader = Reader()
        reader.ask(Desk(model=InPieces(reply)))
        assert reader.parts == [("content", FIRST[0]), ("content", f" {SECOND[0]}")]
    assert json.loads(reply)["decision"] == "PASS"
