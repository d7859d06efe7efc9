"""A model's reply heard piece by piece: the same sentences as read at once, and none that is not one."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candor.answering.hearing import Hearing
from candor.answering.models import MOST_SENTENCES, Claim, Unreadable, read
from tests.doubles.answering import said

REPLY = (
    'Sure, here it is: {"missing": "sentences", "x": {"sentences": [{"text": "no"}]}, "sentences" : [ '
    '{"text": "a \\"}] b\\\\", "passages": [1, 9]}, {"passages": [2], "text": "\\u00e9 é 😀 {"},'
    '{"text": " ", "passages": []}], "decision": "PASS", "question_back": "[{"} and that was it.'
)


def heard(*pieces: str) -> list[Claim]:
    hearing = Hearing(passages=3)
    return [claim for piece in pieces for claim in hearing.hear(piece)]


def test_sentences_are_found_as_soon_as_they_are_closed() -> None:
    hearing = Hearing(passages=3)

    assert hearing.hear('{"sentences": [{"text": "One.", "passages": [1]') == []
    assert hearing.hear("}") == [Claim(text="One.", passages=(0,))]
    assert hearing.hear(', {"text": "Two."') == []


def test_wherever_a_reply_is_cut_the_same_is_heard() -> None:
    whole = heard(REPLY)

    assert [claim.text for claim in whole] == ['a "}] b\\', "é é 😀 {", ""]
    assert all(heard(REPLY[:at], REPLY[at:]) == whole for at in range(len(REPLY) + 1))
    assert heard(*REPLY) == whole


@given(
    st.lists(st.tuples(st.text(), st.lists(st.integers(-3, 9), max_size=4)), max_size=MOST_SENTENCES),
    st.text(),
    st.booleans(),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_what_is_heard_is_what_is_read_at_the_end(
    sentences: list[tuple[str, list[int]]], back: str, escaped: bool, cuts: list[int]
) -> None:
    reply = json.dumps(json.loads(said(*sentences, back=back)), ensure_ascii=escaped)

    edges = [0, *sorted(cuts), len(reply)]
    pieces = [reply[one:other] for one, other in pairwise(edges)]

    assert tuple(claim for claim in heard(*pieces) if claim.text) == read(reply, passages=3).claims


@given(st.text(alphabet='{}[]",:\\ sentencxp1', max_size=120))
def test_nothing_a_model_may_write_is_an_error(reply: str) -> None:
    assert heard('{"sentences":[', reply) == heard('{"sentences":[' + reply)


@given(st.text(alphabet='{}[]",:\\ae1', max_size=60))
def test_no_sentence_is_heard_of_a_list_before_it_could_be_read(reply: str) -> None:
    whole = '{"sentences":[' + reply + '],"decision":"PASS"}'
    try:
        claims = read(whole, passages=3).claims
    except Unreadable:
        return

    found = tuple(claim for claim in heard(whole) if claim.text)
    assert found == claims[: len(found)]


@pytest.mark.parametrize(
    "reply",
    [
        '["sentences", {"text": "x"}]',
        '{"answer": [{"text": "x"}]}',
        '{"sentences": {"text": "x"}}',
        '{"sentences": ["x", {"text": "x"}]}',
        '{"sentences": [[{"text": "x"}]]}',
        '{"sentences": [{"text": 1}, {"text": "x"}]}',
        '{"sentences": [{"text": "x" "passages": []}]}',
        '{"other": {"sentences": [{"text": "x"}]}}',
        '{"sentences": null, "others": [{"text": "x"}]}',
        '{"sentences\\n": [{"text": "x"}]}',
        '"{" "sentences": [{"text": "x"}',
    ],
)
def test_what_is_not_a_sentence_of_the_list_is_not_heard(reply: str) -> None:
    assert heard(reply) == []


def test_of_a_model_that_does_not_stop_no_more_is_heard_than_is_read() -> None:
    assert len(heard('{"sentences":[' + '{"text":"x","passages":[1]},' * 1_000)) == MOST_SENTENCES
    assert heard('{"sentences":[{"text":"' + "x" * 50_000 + '"}]}') == []
    assert heard('{"sentences":[{"text":' + "[" * 10_000 + "]" * 10_000 + "}]}") == []
