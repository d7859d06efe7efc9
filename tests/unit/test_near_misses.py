"""Signs that a question asks for something the evidence only comes near to."""

import pytest

from candor.answering.evidence import Inquiry, inquire, source
from candor.answering.near_misses import astray, outnumbered, unheard, unlisted
from candor.answering.words import Bag
from candor.search import Passage

SERVERS = """Our servers: VPS-2 with 4 GB and VPS-4 with 32 GB of memory.

PHP 8.1, 8.2 and 8.3 are installed. The app runs on Android 10 or newer.

Send mail through port 465 or port 587. Fibre 100 and Fibre 500 cost the same."""


def passage(text: str) -> Passage:
    return Passage(
        document_id="d",
        version=1,
        ordinal=0,
        title="Servers",
        path="",
        text=text,
        url="https://help.example/servers",
        doc_type="howto",
        source="test",
        language="en",
    )


def asked(question: str, text: str) -> Inquiry:
    found = source(passage(text), score=1.0, cosine=0.5, bm25=1.0)
    return inquire(question, language="en", sources=[found])


@pytest.mark.parametrize(
    "question",
    [
        "How much is VPS-32?",
        "price of a VPS 8",
        "what does fibre 900 cost",
        "is port 25 open?",
        "Was kostet der Tarif Meadow?",
        "what does the Ocean plan cost",
        "price of a .su domain",
    ],
)
def test_a_member_that_the_series_does_not_have_is_unlisted(question: str) -> None:
    assert unlisted(question, [SERVERS])


@pytest.mark.parametrize(
    "question",
    [
        "How much is VPS-4?",
        "how much is vps 4",
        "Is PHP 8.3 installed?",
        "does it run on Android 14",
        "which port is open, port 465?",
        "I ordered 3 servers, how much memory do they have",
        "can I cancel within 30 days",
        "how much is a server on 12 March",
    ],
)
def test_what_is_told_or_only_counted_is_no_missing_member(question: str) -> None:
    assert not unlisted(question, [SERVERS])


def test_an_answer_about_the_neighbours_alone_is_told_from_one_about_the_member() -> None:
    assert outnumbered("Wie viel kostet VPS-8?", "Ein VPS-4 kostet 22 €.")
    assert not outnumbered("Wie viel kostet VPS-8?", "VPS-4 kostet 22 €, VPS-8 kostet 42 €.")
    assert not outnumbered("Wie viel kostet VPS-8?", "Ein Server kostet 22 €.")


def test_who_asks_whether_there_is_a_thing_that_nothing_speaks_of_asks_for_the_unheard() -> None:
    vouchers = asked("Do you sell gift vouchers?", "We sell servers and domains.")
    servers = asked("Do you sell servers?", "We sell servers and domains.")

    assert unheard(vouchers) > unheard(servers) == 0.0


def test_words_of_a_story_are_not_taken_for_things_asked_for() -> None:
    told = asked("My grandmother broke her laptop, what now?", "Broken servers are repaired.")

    assert unheard(told) == 0.0


@pytest.mark.parametrize("question", ["Bieten Sie Gutscheine an?", "Продаёте ли вы сертификаты?"])
def test_the_unheard_is_told_in_other_languages(question: str) -> None:
    assert unheard(asked(question, "We sell servers and domains.")) > 0.0


def test_a_model_that_no_page_knows_is_unlisted() -> None:
    assert unlisted("How much is the DX-900?", [SERVERS])
    assert not unlisted("How much is the DX-900?", [SERVERS, "The DX 900 costs 40 euros."])


@pytest.mark.parametrize(
    ("question", "strays"),
    [
        ("Do you sell bananas?", True),
        ("Who is the president?", True),
        ("and the weather in Oslo tomorrow?", True),
        ("Where do I put it so that it survives?", False),
        ("Which of them has more memory?", False),
        ("Can I also bring my own?", False),
        ("And how much?", False),
    ],
)
def test_an_answer_without_a_word_of_what_is_asked_now_is_to_the_talk_before(
    question: str, strays: bool
) -> None:
    found = source(passage(SERVERS), score=1.0, cosine=0.5, bm25=1.0)
    before, told = "How much memory has VPS-4?", Bag.of(SERVERS, "en")

    leaning = inquire(question, language="en", sources=[found], context=before)
    joined = inquire(f"{before} {question}", language="en", sources=[found], added=question)
    alone = inquire(question, language="en", sources=[found])

    assert [astray(each, told) for each in (leaning, joined, alone)] == [strays, strays, False]
