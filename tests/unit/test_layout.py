"""Where words stand in a passage, told for all of its pieces at once."""

from dataclasses import replace

import pytest

from candor.answering import facts
from candor.answering.cleaning import ADDRESSED, URL
from candor.answering.concordance import Concordance
from candor.answering.evidence import source
from candor.answering.layout import BODY, HEAD
from candor.answering.words import Bag, Term, terms
from tests.doubles.passages import passage

ENGLISH = (
    "Configuration of your VPS-8 is changed in the panel: configurations are kept for 30 days.",
    "A refund is paid for NVMe servers within the EU, not for e2210 or a .io domain.",
    "Refunding, refundable, payments, prepayment; the config of configurators.",
    "",
)
GERMAN = (
    "Die Rechnungsadresse steht auf der Rechnung, die XRechnung nicht.",
    "Kündigungsfristen: Adressen der Rechnungsempfänger, Adressänderung in der Verwaltung.",
    "Der Server wird umgezogen; Serverumzüge kosten 20 EUR.",
)
RUSSIAN = (
    "Возврат денег занимает 5 дней, возвраты на карту Visa дольше.",
    "Настройки сервера VPS-8 и настроек панели ISPmanager: возврат к прежним.",
)


@pytest.mark.parametrize(("texts", "language"), [(ENGLISH, "en"), (GERMAN, "de"), (RUSSIAN, "ru")])
def test_a_word_is_found_in_the_same_texts_by_all_at_once_and_one_by_one(
    texts: tuple[str, ...], language: str
) -> None:
    bags = [Bag.of(text, language) for text in texts]
    words = {term.word for text in (*ENGLISH, *GERMAN, *RUSSIAN) for term in terms(text, language=language)}
    # Beginnings and endings of words as well: most of what a word is looked for by is a part of another.
    words |= {part for word in words for part in (word[:6], word[:-1], word[3:], f"{word}s") if part}
    asked = [Term(word=word, weight=1.0, name=name) for word in words for name in (False, True)]

    together = Concordance.of(bags, language)

    found = {term: [number for number, bag in enumerate(bags) if bag.has(term)] for term in asked}
    assert {
        term: [number for number in range(len(bags)) if together.marks(term) >> number & 1] for term in asked
    } == found
    assert any(len(numbers) > 1 for numbers in found.values())
    assert any(not numbers for numbers in found.values())


def test_a_word_is_found_again_after_many_others_were_looked_for() -> None:
    together = Concordance.of([Bag.of("The refund takes long.", "en")], "en")
    (refund,) = terms("refund")

    before = together.marks(refund)
    others = [together.marks(Term(word=f"word{number}", weight=1.0, name=False)) for number in range(500)]

    assert (before, together.marks(refund)) == (1, 1)
    assert not any(others)


HOURS = passage(
    "Opening:\n\n## Weekdays\n\nThe office opens at nine. Parking is free.\n\n"
    "Customer: is it open on Sunday?\n\n## Holidays\n\nIt is closed.",
    title="Office",
)


def test_a_unit_is_marked_with_what_it_holds_and_with_what_stands_around_it() -> None:
    taken = source(HOURS, score=1.0, cosine=None, bm25=None).layout
    parking, weekdays, sunday, office, moon = terms("parking weekdays sunday office moon")

    opens, free, closed = (
        next(place for place in taken.places if said in place.unit.text)
        for said in ("opens", "free", "closed")
    )

    assert taken.marks(parking) & free.own
    assert not taken.marks(parking) & (opens.own | free.around)
    assert taken.marks(weekdays) & opens.around
    assert not taken.marks(weekdays) & closed.around
    assert taken.marks(sunday) & closed.around
    assert not taken.marks(sunday) & (opens.around | HEAD)
    assert taken.marks(office) & HEAD
    assert taken.marks(office) & BODY
    assert taken.marks(moon) == 0
    assert (opens.heading, closed.heading) == ("Weekdays", "Holidays")


def test_headings_and_what_is_asked_are_no_places_and_each_heading_has_its_own_stretch() -> None:
    taken = source(HOURS, score=1.0, cosine=None, bm25=None).layout
    (holidays,) = terms("holidays")

    said = [place.unit.text for place in taken.places]

    assert said == ["Opening:", "The office opens at nine.", "Parking is free.", "It is closed."]
    assert [place.section for place in taken.places] == [0, 1, 1, 2]
    assert " ".join(taken.sections[1].told.split()) == "The office opens at nine. Parking is free."
    assert [bool(taken.marks(holidays) & taken.sections[number].marks) for number in (0, 1, 2)] == [
        False,
        False,
        True,
    ]


def test_a_passage_holds_the_same_words_whether_it_was_looked_into_or_not() -> None:
    asked = terms("Is the office parking free on holidays, or on the moon?")

    fresh = source(replace(HOURS, document_id="unseen"), score=1.0, cosine=None, bm25=None)
    before = [fresh.layout.holds(term) for term in asked]
    looked_into = [bool(fresh.layout.marks(term) & (HEAD | BODY)) for term in asked]

    assert before == looked_into == [fresh.whole.has(term) for term in asked]
    assert [fresh.layout.holds(term) for term in asked] == before
    assert True in before
    assert False in before


@pytest.mark.parametrize(
    "text",
    [
        "see https://a.example/b",
        "see //a.example",
        "see WWW.a.example",
        "do javascript:alert",
        "MAILTO:a@b.example",
        "a.example/x",
        "a.example:8080/",
    ],
)
def test_every_address_has_the_signs_that_are_looked_for_first(text: str) -> None:
    assert URL.search(text)
    assert ADDRESSED.search(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Two servers at www.two-3.example", ["two"]),
        ("From one@seven.example come 4 letters", ["4"]),
        ("At 09:30 on 2026-03-04 we have three rooms", ["three"]),
        ("No numbers at all", []),
    ],
)
def test_numbers_of_addresses_dates_and_times_are_none(text: str, found: list[str]) -> None:
    assert [number.text for number in facts.numbers(text)] == found
    assert [number.text for number in facts.digits(text)] == [each for each in found if each.isdigit()]
