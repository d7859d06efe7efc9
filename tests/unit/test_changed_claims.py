"""What a sentence says of its evidence, changed in one place, is found out; said in other words, it stays."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from candor.answering import facts
from candor.answering.units import units
from candor.answering.verifying import verify
from candor.chunking import chunk
from candor.search import Passage
from tests.benchmarks.knowledge import DEMO_PAGES, TRADES_PAGES, document_of, pages_of

PARAPHRASES = Path(__file__).parents[1] / "data/answers/paraphrases.jsonl"

_NUMBER = re.compile(r"(?<![\w.,:/-])\d+(?:[.,]\d+)?(?![\w]*[-_./:]\w|\d)")
_UNITS = (
    *(("days", "hours"), ("hours", "days"), ("minutes", "hours"), ("months", "weeks"), ("weeks", "months")),
    *(("GB", "MB"), ("MB", "GB"), ("€", "$"), ("£", "€"), ("$", "€"), ("Tage", "Stunden"), ("дней", "часов")),
)
_REVERSED = (
    *(
        (" is ", " is not "),
        (" are ", " are not "),
        (" can ", " cannot "),
        (" not ", " "),
        (" cannot ", " can "),
    ),
    *((" ist ", " ist nicht "), (" nicht ", " "), (" kein", " ein"), (" не ", " "), (" never ", " always ")),
    *(
        (" before ", " after "),
        (" after ", " before "),
        (" at least ", " at most "),
        (" allowed", " forbidden"),
    ),
)


@cache
def passages() -> tuple[Passage, ...]:
    pages = pages_of([*DEMO_PAGES, TRADES_PAGES])
    return tuple(passage for page in pages for passage in chunk(document_of(page), page["text"]))


def told() -> Iterator[tuple[str, Passage]]:
    for passage in passages():
        for unit in units(passage.text):
            if unit.kind in ("sentence", "item", "step", "row") and len(unit.text) >= 25:
                yield unit.text, passage


def with_another_number(text: str, passage: Passage) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        other = re.sub(r"\d+", lambda digits: str(int(digits.group()) + 3), match.group(), count=1)
        if other not in passage.text:
            yield text[: match.start()] + other + text[match.end() :]


def with_a_number_of_something_else(text: str, passage: Passage) -> Iterator[str]:
    """One that stands in the evidence, in the same unit: another plan's price."""
    chosen = random.Random(7)
    for match in _NUMBER.finditer(text):
        own = next((each for each in facts.digits(text) if each.text.startswith(match.group())), None)
        others = [
            each.text
            for each in (facts.digits(passage.text) if own and own.unit else ())
            if own and each.unit == own.unit and not each.values & own.values and each.text not in text
        ]
        if others:
            yield text[: match.start()] + chosen.choice(others) + text[match.end() :]


def with_another_unit(text: str, passage: Passage) -> Iterator[str]:
    for unit, other in _UNITS:
        counted = rf"\d\s?{unit}\b" if unit[0].isalpha() else re.escape(unit) + r"\d"
        if re.search(counted, text):
            yield text.replace(unit, other)


def with_the_reverse(text: str, passage: Passage) -> Iterator[str]:
    for said, reverse in _REVERSED:
        if said in text:
            yield text.replace(said, reverse, 1)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (with_another_number, 0.99),
        (with_another_unit, 0.96),
        (with_the_reverse, 0.96),
        (with_a_number_of_something_else, 0.84),
    ],
)
def test_a_sentence_changed_in_one_place_is_refused(change, found) -> None:  # type: ignore[no-untyped-def]
    changed = [(other, passage) for text, passage in told() for other in change(text, passage)]
    changed = changed[:: max(1, len(changed) // 320)]

    refused = [not verify(text, [passage], language=passage.language).supported for text, passage in changed]

    assert len(changed) >= 300
    assert sum(refused) / len(refused) >= found


def test_what_the_evidence_says_itself_is_kept() -> None:
    kept = [verify(text, [passage], language=passage.language).supported for text, passage in told()]

    assert len(kept) >= 1_500
    assert all(kept)


def _paraphrases() -> list[tuple[str, Sequence[Passage]]]:
    rows = [json.loads(line) for line in PARAPHRASES.read_text("utf-8").splitlines()]
    return [(row["sentence"], [each for each in passages() if each.url == row["url"]]) for row in rows]


def test_what_is_said_in_other_words_is_kept_for_the_most_part() -> None:
    said = _paraphrases()

    kept = [verify(sentence, evidence).supported for sentence, evidence in said]

    assert len(said) >= 100
    assert sum(kept) / len(kept) >= 0.86


def test_other_words_hide_no_change_of_a_number_or_unit() -> None:
    changed = [
        (other, evidence)
        for sentence, evidence in _paraphrases()
        for change in (with_another_number, with_another_unit)
        for other in change(sentence, evidence[0])
    ]

    refused = [not verify(sentence, evidence).supported for sentence, evidence in changed]

    assert len(changed) >= 150
    assert sum(refused) / len(refused) >= 0.97


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("The shop in Vienna is open on Saturday from 10 am to 5 pm.", True),
        ("The shop in Vienna is open on Saturday from 10:00 to 18:00.", False),
        ("The shop in Hamburg is open on Sunday.", False),
    ],
)
def test_times_and_days_are_those_of_the_evidence(sentence: str, supported: bool) -> None:
    evidence = [each for each in passages() if each.url == "https://help.fernandoak.example/shops"]

    assert verify(sentence, evidence).supported is supported
