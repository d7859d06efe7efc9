"""Which part of the evidence answers, how sure that is, and when to ask which of two things is meant."""

from collections.abc import Sequence

import pytest

from candor.answering import asking
from candor.answering.deciding import FEATURES, Thresholds, competing, features, probability
from candor.answering.evidence import Inquiry, inquire, source
from candor.answering.extracting import Extract, extract
from candor.answering.phrases import LANGUAGES, phrase
from candor.answering.policy import Policy
from candor.answering.rating import candidates_of, rate
from candor.answering.sections import Section, sections_of
from candor.answering.values import Answer, Decision, Question, Turn
from candor.search import Passage
from tests.doubles.answering import KNOWLEDGE, Desk
from tests.doubles.passages import passage

PLANS = passage(
    "Acorn is our small plan. It costs €4.00 per month and has 20 GB of disk.\n\n"
    "Walnut is our large plan. It costs €9.00 per month and has 80 GB of disk.",
    document="plans",
    title="Hosting plans",
)
LIMITS = passage(
    "## Sending mail\n\nAcorn sends 100 messages per hour.\n\n"
    "## Receiving mail\n\nEach message may have 25 MB with all its attachments.",
    document="limits",
    title="Limits of mail",
)


def _inquiry(question: str, *passages: Passage) -> Inquiry:
    return inquire(
        question,
        language="en",
        sources=[
            source(each, score=1.0 - number / 10, cosine=0.5, bm25=5.0)
            for number, each in enumerate(passages)
        ],
    )


def _extract(inquiry: Inquiry) -> Extract:
    found = extract(inquiry)
    assert found is not None
    return found


def _sections(inquiry: Inquiry) -> Sequence[Section]:
    candidates = candidates_of(inquiry)
    rate(inquiry, candidates)
    return sections_of(inquiry, candidates)


def _values(question: str, *passages: Passage) -> dict[str, float]:
    inquiry = _inquiry(question, *passages)
    return features(inquiry, _extract(inquiry))


def _ask(desk: Desk, text: str, *history: str) -> Answer:
    turns = tuple(Turn(role="assistant" if n % 2 else "user", content=said) for n, said in enumerate(history))
    return desk.answering.answer(Question(text=text, history=turns))


def test_the_section_that_speaks_of_the_question_has_the_most_of_the_probability() -> None:
    sections = _sections(_inquiry("How large may a message with attachments be?", PLANS, LIMITS))

    assert "25 MB" in sections[0].units[0].unit.text
    assert sections[0].share > 0.5
    assert sum(section.share for section in sections) == pytest.approx(1.0)


def test_one_clear_section_is_not_padded_with_others() -> None:
    question = "How large may a received message with all attachments be?"

    clear = _extract(_inquiry(question, LIMITS, *KNOWLEDGE))

    assert "25 MB" in clear.text
    assert "newsletter" not in clear.text


def test_every_feature_lies_about_between_nothing_and_all() -> None:
    values = _values("What does Walnut cost per month?", PLANS, LIMITS)

    assert tuple(values) == FEATURES
    assert all(-0.5 <= value <= 1.5 for value in values.values())


@pytest.mark.parametrize("model", ["extractive", "model"])
@pytest.mark.parametrize("measured", [True, False])
def test_what_speaks_for_an_answer_never_makes_it_less_probable(model: str, measured: bool) -> None:
    middling = dict.fromkeys(FEATURES, 0.5)
    better = ("likeness", "strength", "share", "covered", "margin", "verified")
    worse = ("unknown_names", "absent_names", "odd_numbers", "degraded")

    usual = probability(middling, model=model, measured=measured)

    for name in better:
        assert probability({**middling, name: 1.0}, model=model, measured=measured) >= usual, name
    for name in worse:
        assert probability({**middling, name: 1.0}, model=model, measured=measured) <= usual, name


def test_a_product_the_answer_does_not_name_counts_against_it() -> None:
    known = _values("What does the plan Walnut cost per month?", PLANS)
    other = _values("What does the plan Chestnut cost per month?", PLANS)

    assert (known["absent_names"], known["unknown_names"]) == (0.0, 0.0)
    assert (other["absent_names"], other["unknown_names"]) == (0.5, 0.5)


def test_the_price_of_another_ending_is_no_answer() -> None:
    domains = passage("A .com costs €12.00 per year.", document="domains", title="Prices of domains")

    assert _values("what does a .com domain cost", domains)["absent_names"] == 0.0
    assert _values("what does a .shop domain cost", domains)["absent_names"] == 1.0


def test_a_number_the_answer_does_not_have_counts_against_it() -> None:
    assert _values("Which plan has 80 GB of disk?", PLANS)["odd_numbers"] == 0.0
    assert _values("Which plan has 500 GB of disk?", PLANS)["odd_numbers"] == 0.5


MOVING = tuple(
    passage(
        f"To move a domain {way} unlock it, ask for the code, and wait for five days.",
        document=way,
        title=f"Moving a domain {title}",
    )
    for way, title in (("in", "inward"), ("out", "outward"))
)


def test_two_directions_a_question_does_not_tell_apart_compete() -> None:
    inquiry = _inquiry("How can I move my domain?", *MOVING)

    assert set(competing(inquiry, _extract(inquiry))) == {"in", "out"}


def test_a_question_that_names_one_of_them_is_clear() -> None:
    inquiry = _inquiry("How can I move my domain outward?", *MOVING)

    assert competing(inquiry, _extract(inquiry)) == ()


def test_which_of_two_is_meant_is_asked_once() -> None:
    desk = Desk(passages=MOVING, policy=Policy(thresholds=Thresholds(answer=0.999, ask=0.0)))

    first = _ask(desk, "How can I move my domain?")
    second = _ask(desk, "How can I move my domain?", "How can I move my domain?", first.text)

    assert first.decision is Decision.ASK_USER
    assert set(first.followup_questions) == {"Moving a domain inward", "Moving a domain outward"}
    assert second.decision is Decision.ESCALATE


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_question_back_is_known_in_every_language(language: str) -> None:
    asked = phrase("which", language) + "\n\n- Hosting\n- Servers"

    assert asking.asked_back([Turn(role="user", content="?"), Turn(role="assistant", content=asked)])


def test_an_answer_is_no_question_back() -> None:
    assert not asking.asked_back([Turn(role="assistant", content="It costs €4.00 per month.")])
    assert not asking.asked_back([Turn(role="user", content="Which one?")])
    assert not asking.asked_back([])


def test_what_the_last_reply_named_is_looked_for_where_the_asker_only_points_at_it() -> None:
    asked = "How much does it cost?"
    sources = _inquiry(asked, PLANS).sources

    alone = inquire(asked, language="en", sources=sources, context="Which plan is large?")
    told = inquire(
        asked, language="en", sources=sources, context="Which plan is large?", reply="That is Walnut."
    )

    [named] = [term for term in told.terms if term.word == "walnut"]
    assert "walnut" not in {term.word for term in alone.terms}
    assert named.weight < 0.5
    assert not named.name


def test_the_threshold_decides_what_is_given() -> None:
    question = "How many messages per hour does Acorn send?"
    willing = Desk(passages=[PLANS, LIMITS], policy=Policy(thresholds=Thresholds(answer=0.0)))
    silent = Desk(passages=[PLANS, LIMITS], policy=Policy(thresholds=Thresholds(answer=1.0)))

    assert _ask(willing, question).decision is Decision.PASS
    assert _ask(silent, question).decision is not Decision.PASS


@pytest.mark.parametrize(
    ("question", "unpriced"),
    [
        ("How much is VPS-4 per month?", 0.0),
        ("What does a vps 4 cost?", 0.0),
        ("How much is VPS-8 per month?", 1.0),
        ("How many messages may VPS-8 send?", 0.0),
    ],
)
def test_a_price_counts_where_the_model_it_is_asked_of_is_named(question: str, unpriced: float) -> None:
    servers = passage("VPS-4 costs €22.00 per month.", document="servers", title="Prices of servers")

    assert _values(question, servers)["unpriced"] == unpriced


def test_what_leaves_the_subject_of_a_talk_is_hardly_answered_by_its_page() -> None:
    asked, before = "Do you sell bananas?", "How much is the Walnut plan?"
    sources = _inquiry(asked, PLANS).sources
    leaves = inquire(asked, language="en", sources=sources, context=before)
    # Words of another language stand in no English page, whatever it tells.
    abroad = inquire("Habt ihr Bananen im Angebot?", language="de", sources=sources, context=before)

    values = features(leaves, _extract(leaves))

    assert (values["astray"], features(abroad, _extract(abroad))["astray"]) == (1.0, 0.0)
    assert probability({**values, "astray": 0.0}, model="model") > Thresholds().answer
    for kind in ("extractive", "model"):
        assert probability(values, model=kind) < Thresholds().ask
