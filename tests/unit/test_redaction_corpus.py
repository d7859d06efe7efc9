"""Masking holds its floor on a corpus of our own: what it must find, and what it must leave."""

from collections.abc import Sequence

import pytest

from candor.redaction import mask, mask_cards
from tests.benchmarks.bench_redaction import masking, total
from tests.benchmarks.redaction_corpus import Sample, leaks, lookalikes, planted

SECRETS, OTHERS = planted(), lookalikes()


def half(samples: Sequence[Sample], *, held_out: bool) -> list[Sample]:
    return [one for one in samples if one.held_out == held_out]


def test_the_corpus_is_large_enough_to_say_something() -> None:
    assert sum(len(one.marked) for one in SECRETS) >= 500
    assert sum(len(one.marked) for one in OTHERS) >= 1_000
    assert len({one.language for one in SECRETS}) >= 8


@pytest.mark.parametrize("held_out", [False, True])
def test_of_what_is_planted_two_in_a_hundred_are_missed_at_most(held_out: bool) -> None:
    found = total(half(SECRETS, held_out=held_out))

    assert 1 - found.rate >= 0.98
    assert found.around <= found.texts * 0.03


def test_no_card_is_missed() -> None:
    cards = [one for one in SECRETS if one.kind == "card"]

    assert sum(leaks(one, mask_cards(one.text)) for one in cards) == 0


@pytest.mark.parametrize("held_out", [False, True])
def test_of_what_only_looks_so_one_in_a_hundred_is_taken_at_most(held_out: bool) -> None:
    assert total(half(OTHERS, held_out=held_out)).rate <= 0.01


def test_masking_the_corpus_twice_is_masking_it_once() -> None:
    for one in (*SECRETS, *OTHERS):
        once = masking(one.text)

        assert masking(once) == once
        assert mask(mask(one.text)) == mask(one.text)
