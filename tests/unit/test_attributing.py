"""What a number belongs to, what a word of the question adds, and when a price is told."""

from collections.abc import Sequence

import pytest

from candor.answering import facts
from candor.answering.attributing import misplaced
from candor.answering.evidence import EmbeddedLikeness
from candor.answering.holding import priced
from candor.search import Passage, Vector
from tests.doubles.passages import passage

PLANS = passage(
    "| Plan | Monthly | Yearly | Disk |\n|---|---|---|---|\n| Acorn | €4.00 | €40.00 | 10 GB |\n"
    "| Walnut | €9.00 | €90.00 | 60 GB |\n\nSetting up takes 2 days, moving a site 5 days.",
    title="Plans",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Walnut costs €9 a month.",
        "Walnut is €90.00 if you pay yearly, and has 60 GB of disk.",
        "Acorn costs €4.00 and Walnut €9.00 a month.",
        "Moving a site takes 5 days.",
    ],
)
def test_a_number_stands_beside_what_it_belongs_to(sentence: str) -> None:
    assert misplaced(sentence, [PLANS]) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Walnut costs €4 a month.",
        "Walnut is €9.00 if you pay yearly.",
        "Acorn has 60 GB of disk.",
        "Moving a site takes 2 days.",
    ],
)
def test_the_number_of_something_else_is_misplaced(sentence: str) -> None:
    assert misplaced(sentence, [PLANS])


class Words:
    """An embedder that counts the words of one sentence."""

    name, dimensions = "words", 3
    _known = ("borrow", "book", "laptop")

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        return [self.embed_question(each.text) for each in passages]

    def embed_question(self, question: str) -> Vector:
        counts = [float(question.lower().count(word)) for word in self._known]
        length = sum(count * count for count in counts) ** 0.5 or 1.0
        return tuple(count / length for count in counts)


def test_a_passage_comes_nearer_without_a_word_it_does_not_speak_of() -> None:
    gains = EmbeddedLikeness(Words()).without(
        "Can I borrow a laptop?", ["laptop", "borrow", "moon"], passage("Borrow a book.")
    )

    assert gains["laptop"] > 0 > gains["borrow"]
    assert "moon" not in gains


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It costs €5.", True),
        ("The fee is 2 % of the amount.", True),
        ("Backups are free of charge.", True),
        ("At 90 % you get a warning.", False),
        ("Mailboxes hold 10 GB.", False),
    ],
)
def test_a_price_is_money_a_share_or_nothing_at_all(text: str, told: bool) -> None:
    assert priced(text) is told


def test_days_times_and_telephones_are_no_plain_numbers() -> None:
    text = "Call +31 20 555 0142, Mon–Wed 9 am to 17:30."

    assert facts.digits(text) == []
    assert facts.times(text) == [(17, 30), (9, 0)]
    assert facts.phones(text) == ["31205550142"]
    assert facts.weekdays(text) == {0, 1, 2}


def test_the_unit_of_a_range_is_that_of_both_its_ends() -> None:
    assert [number.unit for number in facts.digits("It takes 3–5 days.")] == ["d", "d"]
