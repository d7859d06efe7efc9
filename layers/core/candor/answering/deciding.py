"""Deciding: how probable it is that an answer is right, and whether to give it, ask back or hand over."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from candor.answering.asking import Kind
from candor.answering.data import data
from candor.answering.evidence import Inquiry, Source
from candor.answering.extracting import Extract, Piece, answer_coverage
from candor.answering.holding import demands, holds_kind
from candor.answering.values import Decision
from candor.answering.words import Bag, Term, coverage

PASS_FROM, ASK_FROM = 0.6, 0.35
"""
Confidence from which an answer is given, and from which asking back is worth the asker's time.

Of 163 development questions, each left out of its own fit, 2.5 % get a wrong answer at .6 and 48 % of the
answerable a right one; 4.3 % and 59 % at .45; 7.4 % and 73 % at .3. From .6 on, nine of ten near-misses are
refused (`tests/benchmarks/fit_confidence.py` prints the table).
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Where an answer is given, and where a question back is better than nothing."""

    answer: float = PASS_FROM
    ask: float = ASK_FROM


FEATURES = (
    "likeness",
    "best_coverage",
    "document_coverage",
    "missing_names",
    "unknown_names",
    "holds_kind",
    "asks_kind",
    "margin",
    "lead",
    "bm25_share",
    "not_english",
    "covered_abroad",
    "heavy_terms",
    "degraded",
    "verified",
)
"""
What the probability is computed from, each 0..1:

likeness: question and best piece. best_coverage: share of the question's weight in the best piece and its
headings; document_coverage: in all found of the chosen documents. missing_names: share of its names and
identifiers that these lack; unknown_names: in no passage found at all, 2 = 1.0. holds_kind: the answer has
the price, duration, port … asked for (asks_kind: something of the sort is asked). margin: fused score ahead
of the next document; lead: how far the best cosine stands out from the tenth; bm25_share: BM25 of the
passage as a share of the best. not_english: evidence in another language, where the embedded vectors are
noise; covered_abroad: the answer's coverage there. heavy_terms: informative words, 8 = 1.0. degraded: an
index was missing. verified: share of sentences that survived.

Left out, because leave-one-out figures were no worse without: the passage's own cosine, whether both indexes
agree, the coverage of the whole answer and of parts of the question, pairs of words, the question's length.
"""


def features(inquiry: Inquiry, extract: Extract, *, verified: float = 1.0) -> dict[str, float]:
    """The features of an answer drawn from this evidence."""
    source = inquiry.sources[extract.best.source]
    chosen = {inquiry.sources[piece.source].passage.document_id for piece in extract.pieces}
    language = source.passage.language
    document = Bag.of("", language)
    everything = Bag.of("", language)
    for each in inquiry.sources:
        bag = each.body | each.head
        everything = everything | bag
        if each.passage.document_id in chosen:
            document = document | bag
    names = [term for term in inquiry.terms if term.name and not term.word.isdigit()]
    asked = [kind for kind in inquiry.kinds if demands(kind)]
    held = sum(holds_kind(extract.text, kind) for kind in asked)
    cosine = source.cosine if source.cosine is not None else 0.45
    abroad = float(language not in ("en", "und"))
    return {
        "likeness": _bounded(extract.likeness if extract.likeness is not None else cosine),
        "best_coverage": answer_coverage(inquiry, _introduced(inquiry, extract.best)),
        "document_coverage": coverage(inquiry.terms, document),
        "missing_names": _missing(names, document) / len(names) if names else 0.0,
        "unknown_names": min(_missing(names, everything), 2) / 2,
        "holds_kind": held / len(asked) if asked else 0.5,
        "asks_kind": float(bool(asked)),
        "margin": _margin(inquiry, source.passage.document_id),
        "lead": _lead(inquiry),
        "bm25_share": _bm25_share(inquiry, source),
        "not_english": abroad,
        "covered_abroad": abroad * answer_coverage(inquiry, extract.pieces),
        "heavy_terms": min(len(inquiry.heavy), 8) / 8,
        "degraded": float(inquiry.degraded),
        "verified": _bounded(verified),
    }


def _bounded(value: float) -> float:
    return max(0.0, min(1.0, value))


def _missing(terms: Sequence[Term], bag: Bag) -> int:
    return sum(not bag.has(term) for term in terms)


def _margin(inquiry: Inquiry, document_id: str) -> float:
    own = max(
        (each.score for each in inquiry.sources if each.passage.document_id == document_id), default=0.0
    )
    other = max(
        (each.score for each in inquiry.sources if each.passage.document_id != document_id), default=0.0
    )
    return _bounded(0.5 + own - other)


def _lead(inquiry: Inquiry) -> float:
    """A subject that is covered stands out; one that is not is about as near to ten passages."""
    told = sorted((each.cosine for each in inquiry.sources if each.cosine is not None), reverse=True)
    return _bounded(3.0 * (told[0] - told[min(9, len(told) - 1)])) if told else 0.3


def _introduced(inquiry: Inquiry, best: Piece) -> list[Piece]:
    """The best piece; code with the unit in front of it, which says what it is for."""
    units = inquiry.sources[best.source].units
    at = units.index(best.unit) if best.unit in units else 0
    if best.unit.kind != "code" or not at:
        return [best]
    return [Piece(source=best.source, unit=units[at - 1], score=best.score), best]


def _bm25_share(inquiry: Inquiry, chosen: Source) -> float:
    """A ratio, because BM25 itself compares neither between engines nor between questions."""
    best = max((each.bm25 for each in inquiry.sources if each.bm25 is not None), default=0.0)
    return _bounded((chosen.bm25 or 0.0) / best) if best else 0.5


def probability(values: Mapping[str, float], *, model: str = "extractive") -> float:
    """The logistic of the weighted features, with the coefficients of `data/confidence.json`."""
    coefficients = data("confidence")[model]
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


def topics(inquiry: Inquiry, *, limit: int = 3) -> tuple[str, ...]:
    """What the best passages differ in, as names to choose from: their headings, else their titles."""
    found: list[str] = []
    best = inquiry.sources[0].score if inquiry.sources else 0.0
    for source in inquiry.sources[:6]:
        if source.score < 0.6 * best or source.passage.language != inquiry.language:
            continue
        passage = source.passage
        last = passage.path.rsplit(" › ", 1)[-1]
        name = f"{passage.title}: {last}" if last and last != passage.title else passage.title
        if name not in found:
            found.append(name[:120])
    return tuple(found[:limit])


def ambiguous(inquiry: Inquiry) -> bool:
    """A short question that several documents meet about equally well."""
    if len(inquiry.heavy) > 2 or (
        any(kind is not Kind.OTHER for kind in inquiry.kinds[:1]) and len(inquiry.heavy) > 1
    ):
        return False
    best: dict[str, float] = {}
    for source in inquiry.sources[:8]:
        whole = source.body | source.head
        if all(whole.has(term) for term in inquiry.heavy):
            best.setdefault(source.passage.document_id, source.score)
    scores = sorted(best.values(), reverse=True)
    return len(scores) >= 2 and scores[1] >= 0.75 * scores[0]
