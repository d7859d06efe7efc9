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
from candor.answering.words import Bag, coverage

PASS_FROM, ASK_FROM = 0.35, 0.2
"""Confidence from which an answer is given, and from which asking back is worth the asker's time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Where an answer is given, and where a question back is better than nothing."""

    answer: float = PASS_FROM
    ask: float = ASK_FROM


FEATURES = (
    "cosine",
    "likeness",
    "answer_coverage",
    "best_coverage",
    "document_coverage",
    "missing_names",
    "missing_words",
    "unknown_words",
    "holds_kind",
    "asks_kind",
    "agreement",
    "margin",
    "lead",
    "bm25_share",
    "foreign",
    "not_english",
    "degraded",
    "verified",
    "heavy_terms",
)
"""
What the probability is computed from, each 0..1:

cosine: question and best passage. likeness: question and best piece of it. answer_coverage: share of the
question's weight in the pieces chosen and their headings; best_coverage: in the best piece;
document_coverage: in all found of the chosen document. missing_names: share of its names and identifiers
that the chosen document lacks; missing_words: share of its other informative words; unknown_words: share
of informative words in no passage found at all. holds_kind: the answer has the price, duration, port …
that is asked for (asks_kind: something of the sort is asked). agreement: words and meaning put the same
document first. margin: fused score ahead of the next
document; lead: how far the best cosine stands out from the tenth; bm25_share: BM25
of the passage as a share of the best. foreign: evidence in another language than the
question; not_english: than English, where the embedded vectors are coarser. degraded: an
index was missing. verified: share of sentences that survived. heavy_terms: informative words, 8 = 1.0.
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
    words = [term for term in inquiry.terms if not term.name and term.weight >= 1.0]
    text = extract.text
    asked = inquiry.kinds[0]
    cosine = source.cosine
    return {
        "cosine": _bounded(cosine if cosine is not None else 0.45),
        "likeness": _bounded(extract.likeness if extract.likeness is not None else (cosine or 0.45)),
        "answer_coverage": answer_coverage(inquiry, extract.pieces),
        "best_coverage": answer_coverage(inquiry, _introduced(inquiry, extract.best)),
        "document_coverage": coverage(inquiry.terms, document),
        "missing_names": _missing(names, document),
        "missing_words": _missing(words, document),
        "unknown_words": _missing([*names, *words], everything),
        "holds_kind": float(holds_kind(text, asked)) if demands(asked) else 0.5,
        "asks_kind": float(demands(asked)),
        "agreement": _agreement(inquiry, source.passage.document_id),
        "margin": _margin(inquiry, source.passage.document_id),
        "lead": _lead(inquiry),
        "bm25_share": _bm25_share(inquiry, source),
        "foreign": float(inquiry.language != language and language != "und"),
        "not_english": float(language not in ("en", "und")),
        "degraded": float(inquiry.degraded),
        "verified": _bounded(verified),
        "heavy_terms": min(len(inquiry.heavy), 8) / 8,
    }


def _bounded(value: float) -> float:
    return max(0.0, min(1.0, value))


def _missing(terms: Sequence[object], bag: Bag) -> float:
    wanted = [term for term in terms if hasattr(term, "word")]
    return sum(not bag.holds(term.word) for term in wanted) / len(wanted) if wanted else 0.0


def _agreement(inquiry: Inquiry, document_id: str) -> float:
    """Of the two indexes heard, how many put this document first; half for one that was not heard."""
    score = 0.0
    for name in ("cosine", "bm25"):
        told = [
            (getattr(each, name), each.passage.document_id)
            for each in inquiry.sources
            if getattr(each, name) is not None
        ]
        score += 0.25 if not told else 0.5 * (max(told)[1] == document_id)
    return score


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
        if all(whole.holds(term.word) for term in inquiry.heavy):
            best.setdefault(source.passage.document_id, source.score)
    scores = sorted(best.values(), reverse=True)
    return len(scores) >= 2 and scores[1] >= 0.75 * scores[0]
