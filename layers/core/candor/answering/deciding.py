"""Deciding: how probable it is that an answer is right, and whether to give it, ask back or hand over."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from candor.answering import facts
from candor.answering.asking import Kind
from candor.answering.data import data
from candor.answering.evidence import Inquiry
from candor.answering.extracting import Extract, answer_coverage
from candor.answering.holding import priced
from candor.answering.near_misses import astray, outnumbered, unheard, unlisted, unnamed
from candor.answering.values import Decision
from candor.answering.words import Bag, Term

PASS_FROM, ASK_FROM = 0.605, 0.35
"""
Confidence from which an answer is given, and from which asking back is worth the asker's time.

Of 386 development questions, those of five trades asked of companies left out of the fit and three of ten of
them near-misses: at .6 62 % of the answerable get a right answer, 4.5 % of all a wrong one, and 87 % of what
cannot be answered is refused; at .65 it is 58, 3.8 and 89 %, at .7 54, 3.1 and 91 %, at .8 41, 1.8 and 94 %
(`tests/benchmarks/fit_confidence.py`). Of questions as people ask them, fewer are near-misses.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Where an answer is given, and where a question back is better than nothing."""

    answer: float = PASS_FROM
    ask: float = ASK_FROM


FEATURES = (
    "likeness",
    "strength",
    "share",
    "covered",
    "margin",
    "lead",
    "unknown_names",
    "absent_names",
    "absent_places",
    "odd_numbers",
    "not_english",
    "covered_abroad",
    "unmet",
    "unlisted",
    "unheard",
    "astray",
    "unpriced",
    "degraded",
    "verified",
)
"""
What the probability is computed from, each about 0..1:

likeness: question and best piece. strength: the best section's score, 20 = 1.0; share: how much of the
probability that one of the sections found holds the answer the chosen ones have. covered: the share of the
question's weight that the best section holds, its headings included. margin: fused score ahead of the next
document; lead: how far the best cosine stands out from the tenth. unknown_names: names and identifiers asked
about that no passage found has, 2 = 1.0; absent_names: those that the answer does not have, an ending such as
".app" counting for two; absent_places: countries and cities likewise, of which an answer may hold without
naming them. odd_numbers: numbers asked about that the answer does not have, 2 = 1.0. not_english: evidence in
another language, where embedded vectors are noise; covered_abroad: the coverage of the whole answer there.
unmet: what the answer gains in likeness without the words it lacks (of thirty signs tried, the one that
improved the fit most on companies left out of it). unlisted: a member of a series is asked for that is not
among those told (judged, not fitted: three such questions are too few); unheard: whether there is such a
thing is asked, and nothing found has heard of it. astray: the answer is to the talk before, and has nothing
of what is asked now (judged: no talk in the fit leaves its subject). unpriced: a price is asked, and not
told. degraded: an index was missing. verified: share of sentences that survived.

Left out, because cross-validated figures were no worse without: the passage's own cosine and BM25, the
coverage of the best piece, the passage and the page, the sections of the best page together, rare words
missing, whether the kind of thing asked for is there, the question's length, token-by-token likeness (late
interaction over MiniLM), the likeness of single words (WordLlama).
"""


def features(inquiry: Inquiry, extract: Extract, *, verified: float = 1.0) -> dict[str, float]:
    """The features of an answer drawn from this evidence."""
    source = inquiry.sources[extract.best.source]
    language = source.passage.language
    names = [term for term in inquiry.terms if term.name and not term.place and not term.word.isdigit()]
    places = [term for term in inquiry.terms if term.place]
    cosine = source.cosine if source.cosine is not None else 0.45
    abroad = float(language not in ("en", "und"))
    text = extract.text
    bag = _said(inquiry, extract, text)
    return {
        "likeness": bounded(extract.likeness if extract.likeness is not None else cosine),
        "strength": extract.strength / 20,
        "share": bounded(extract.share),
        "covered": extract.covered,
        "margin": _margin(inquiry, source.passage.document_id),
        "lead": _lead(inquiry),
        "unknown_names": min(_unknown(inquiry, names, language), 2) / 2,
        "absent_names": min(_absent_names(inquiry, text, names, bag), 2) / 2,
        "absent_places": min(_missing(places, bag), 2) / 2,
        "odd_numbers": min(_odd_numbers(inquiry.text, text), 2) / 2,
        "not_english": abroad,
        "covered_abroad": answer_coverage(inquiry, extract.pieces) if abroad else 0.0,
        "unmet": _unmet(inquiry, extract, bag),
        "unlisted": float(_unlisted(inquiry, text)),
        "unheard": unheard(inquiry),
        "astray": float(language in (inquiry.language, "und") and astray(inquiry, bag)),
        "unpriced": float(inquiry.kinds[0] is Kind.PRICE and not _priced(inquiry, extract, text)),
        "degraded": float(inquiry.degraded),
        "verified": bounded(verified),
    }


def held(inquiry: Inquiry, extract: Extract) -> float:
    """The share of the question's own weighty words, without those of the talk, that the answer has."""
    own, bag = inquiry.heavy, _said(inquiry, extract, extract.text)
    return sum(bag.has(term) for term in own) / len(own) if own else 1.0


def bounded(value: float) -> float:
    """The value, no less than 0 and no more than 1."""
    return max(0.0, min(1.0, value))


def _missing(terms: Sequence[Term], bag: Bag) -> int:
    return sum(not bag.has(term) for term in terms)


def _unknown(inquiry: Inquiry, names: Sequence[Term], language: str) -> int:
    """How many of the names stand in nothing that was found, read as what is in this language."""
    bags = [Bag(each.whole.stems, language) for each in inquiry.sources] if names else []
    return sum(not any(bag.has(name) for bag in bags) for name in names)


def _priced(inquiry: Inquiry, extract: Extract, text: str) -> bool:
    """Whether a price is told, and the model that it is asked of stands in the answer or above it."""
    passages = [inquiry.sources[number].passage for number in {piece.source for piece in extract.pieces}]
    above = "\n".join(f"{passage.title}\n{passage.path}" for passage in passages)
    return priced(text) and not unnamed(inquiry.text, f"{above}\n{text}")


def _unlisted(inquiry: Inquiry, text: str) -> bool:
    """Neither an answer about VPS-4 tells of VPS-8, nor pages that have never heard of it."""
    passages = [each.passage for each in inquiry.sources]
    told = [f"{each.title}\n{each.path}\n{each.text}" for each in passages]
    return unlisted(inquiry.text, told) or outnumbered(inquiry.text, text)


def _margin(inquiry: Inquiry, document_id: str) -> float:
    own = max(
        (each.score for each in inquiry.sources if each.passage.document_id == document_id), default=0.0
    )
    other = max(
        (each.score for each in inquiry.sources if each.passage.document_id != document_id), default=0.0
    )
    return bounded(0.5 + own - other)


def _lead(inquiry: Inquiry) -> float:
    """A subject that is covered stands out; one that is not is about as near to ten passages."""
    told = sorted((each.cosine for each in inquiry.sources if each.cosine is not None), reverse=True)
    return bounded(3.0 * (told[0] - told[min(9, len(told) - 1)])) if told else 0.3


_ENDING = re.compile(r"(?<![\w.])\.[a-z]{2,12}\b")
"""Of a domain. What is said of another one's price or terms is no answer."""


def _said(inquiry: Inquiry, extract: Extract, text: str) -> Bag:
    """The words of an answer and of the headings it stands under."""
    bag = Bag.of(text, inquiry.sources[extract.best.source].passage.language)
    for number in {piece.source for piece in extract.pieces}:
        bag = bag | inquiry.sources[number].head
    return bag


def _unmet(inquiry: Inquiry, extract: Extract, bag: Bag) -> float:
    """
    How much nearer the answer comes without the words of the question that it lacks, all gains together.

    "Can I borrow a laptop?" is nearer to a page about borrowing books without its "laptop": nothing there
    speaks of one. "How much is postage?" is farther from the page about delivery without its "postage",
    though the word stands nowhere in it: such a word is met.
    """
    if inquiry.likeness is None or extract.nearest is None:
        return 0.0
    lacking = [term.word for term in inquiry.heavy if not bag.has(term)]
    gains = inquiry.likeness.without(inquiry.text, lacking, extract.nearest)
    return min(1.0, 3 * sum(max(0.0, gain) for gain in gains.values()))


def _absent_names(inquiry: Inquiry, text: str, names: Sequence[Term], bag: Bag) -> int:
    """What another product's page says may be nearly the same, and is not true of the one asked about."""
    told = text.lower()
    endings = sum(ending not in told for ending in _ENDING.findall(inquiry.text.lower()))
    return _missing(names, bag) + 2 * endings


def _odd_numbers(question: str, answer: str) -> int:
    """
    Half of what is asked for the 50 GB plan is told by pages about another one.

    Where the answer tells others of its unit, 50 mailboxes do not stand for 50 GB.
    """
    asked = facts.digits(question)
    told = facts.numbers(answer) if asked else []
    alike = {each: [other for other in told if each.unit and other.unit == each.unit] for each in asked}
    return sum(not any(each.agrees(other) for other in alike[each] or told) for each in asked)


def probability(values: Mapping[str, float], *, model: str = "extractive", measured: bool = True) -> float:
    """
    The logistic of the weighted features, with the coefficients of `data/confidence.json`.

    Those of an answer whose pieces were not `measured` by an embedder at hand have their own scale.
    """
    coefficients = data("confidence")[model if measured else f"{model}, unmeasured"]
    total = coefficients["intercept"]
    for name, weight in coefficients["weights"].items():
        total += weight * values[name]
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def decide(confidence: float, *, ambiguous: bool, thresholds: Thresholds) -> Decision:
    """Answer, ask back or hand over. Asking back needs something to choose between."""
    if confidence >= thresholds.answer:
        return Decision.PASS
    if ambiguous and confidence >= thresholds.ask:
        return Decision.ASK_USER
    return Decision.ESCALATE


def topics(inquiry: Inquiry, extract: Extract, *, limit: int = 3) -> tuple[str, ...]:
    """What the best passages differ in, as names to choose from: their headings, else their titles."""
    found: list[str] = []
    best = inquiry.sources[0].score if inquiry.sources else 0.0
    compete = competing(inquiry, extract)
    for source in inquiry.sources if compete else inquiry.sources[:6]:
        passage = source.passage
        if passage.language != inquiry.language:
            continue
        if compete:
            name = passage.title if passage.document_id in compete else ""
        elif source.score < 0.6 * best:
            continue
        else:
            last = passage.path.rsplit(" › ", 1)[-1]
            name = f"{passage.title}: {last}" if last and last != passage.title else passage.title
        if name and name[:120] not in found:
            found.append(name[:120])
    return tuple(found[:limit])


def ambiguous(inquiry: Inquiry, extract: Extract) -> bool:
    """A short question that several documents meet about equally well, or one that two compete for."""
    if competing(inquiry, extract):
        return True
    if len(inquiry.heavy) > 2 or (
        any(kind is not Kind.OTHER for kind in inquiry.kinds[:1]) and len(inquiry.heavy) > 1
    ):
        return False
    heavy = inquiry.heavy
    best: dict[str, float] = {}
    for source in inquiry.sources[:8]:
        if all(source.layout.holds(term) for term in heavy):
            best.setdefault(source.passage.document_id, source.score)
    scores = sorted(best.values(), reverse=True)
    return len(scores) >= 2 and scores[1] >= 0.75 * scores[0]


_RIVALS = 3


def competing(inquiry: Inquiry, extract: Extract) -> tuple[str, ...]:
    """
    The documents of two or three products, plans or directions that the question does not tell apart.

    They are about as probable as each other, and each one's title has a word that the others' and the
    question lack ("Moving a domain to us", "Moving a domain away").
    """
    if not 2 <= len(extract.rivals) <= _RIVALS:
        return ()
    titles: dict[str, Bag] = {}
    for source in inquiry.sources:
        passage = source.passage
        if passage.document_id in extract.rivals and passage.language == inquiry.language:
            titles.setdefault(passage.document_id, Bag.of(passage.title, passage.language))
    asked = Bag.of(inquiry.told, inquiry.language).stems
    for document, title in titles.items():
        others = [other.stems for each, other in titles.items() if each != document]
        if not others or not title.stems.difference(asked, *others):
            return ()
    shared = frozenset.intersection(*(title.stems for title in titles.values())) if titles else frozenset()
    return tuple(titles) if shared & asked else ()
