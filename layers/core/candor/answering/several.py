"""
Several: the questions of one message, each answered from its own evidence, in one reply.

When all are answered the reply is a PASS. When some are, it holds what is answered, names what is not, and a
person is needed: what has been found is said, and nobody takes it for the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from candor.answering.aloud import paragraphs
from candor.answering.citing import citations_of
from candor.answering.cleaning import clean
from candor.answering.deciding import Thresholds
from candor.answering.evidence import Inquiry, Source
from candor.answering.keeping import Outcome
from candor.answering.phrases import phrase
from candor.answering.studying import Studied
from candor.answering.values import Citation, Decision
from candor.answering.verifying import obeys
from candor.answering.words import Bag, coverage
from candor.answering.writing import CONTRADICTED, Written, by_extract

DOUBT = 0.85
"""What two pages that contradict each other leave of the confidence."""

_SHOWN = 8
"""Passages a model is shown, of all questions together."""

_HEADING = 160
"""Characters of a question above its answer."""

_CITED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One question of a message, and what may be said to it."""

    asked: str
    text: str = ""
    """Empty: a person is needed."""
    confidence: float = 0.0
    citations: tuple[Citation, ...] = ()
    features: dict[str, float] | None = None

    @property
    def debug(self) -> dict[str, object]:
        return {"question": self.asked, "answered": bool(self.text), "confidence": round(self.confidence, 4)}


def by_evidence(studied: Studied, thresholds: Thresholds) -> Part:
    """A part in its evidence's own words."""
    if studied.extracted is None:
        return Part(asked=studied.asked)
    written = by_extract(studied.inquiry, studied.extracted)
    return _judged(studied, studied.inquiry, written, thresholds, kind="extractive")


def by_sentences(
    asked: Sequence[Studied], joint: Inquiry, written: Written, thresholds: Thresholds
) -> list[Part]:
    """The parts as a model has written them: each of its sentences belongs to one of the questions."""
    owned: list[list[tuple[str, tuple[int, ...]]]] = [[] for _ in asked]
    last = 0
    for sentence, cited in written.sentences:
        last = _belongs(asked, joint, sentence, cited, last)
        owned[last].append((sentence, cited))
    parts = []
    for studied, sentences in zip(asked, owned, strict=True):
        if studied.extracted is None or not sentences:
            parts.append(Part(asked=studied.asked))
            continue
        own = replace(
            written,
            text=paragraphs([text for text, _ in sentences]),
            sentences=tuple(sentences),
            used=tuple(dict.fromkeys(number for _, cited in sentences for number in cited)),
        )
        parts.append(_judged(studied, joint, own, thresholds, kind="model"))
    return parts


def _belongs(asked: Sequence[Studied], joint: Inquiry, sentence: str, cited: Sequence[int], last: int) -> int:
    """Which question a sentence answers: the one most of whose words it and its headings hold."""
    passages = {joint.sources[number].passage.passage_id for number in cited}
    best, most = last, -1.0
    for number, studied in enumerate(asked):
        own = {hit.passage.passage_id for hit in studied.hits[:_SHOWN]}
        bags = [Bag.of(sentence, joint.language)]
        bags += [joint.sources[each].head for each in cited]
        met = max((coverage(studied.inquiry.terms, bag) for bag in bags), default=0.0)
        # A procedure goes on with words of its own: what says nothing new belongs to the question before.
        score = met + 0.2 * bool(passages & own) + 0.1 * (number == last)
        if score > most:
            best, most = number, score
    return best


def _judged(
    studied: Studied, inquiry: Inquiry, written: Written, thresholds: Thresholds, *, kind: str
) -> Part:
    values = studied.features(verified=written.report.share)
    confidence = studied.confidence(values, kind=kind) * (DOUBT if CONTRADICTED in written.notes else 1.0)
    part = Part(asked=studied.asked, confidence=confidence, features=values)
    citations = citations_of(inquiry, written) if written.text else ()
    if confidence < thresholds.answer or not citations:
        return part
    return replace(part, text=written.text, citations=citations)


def joined(asked: Sequence[Studied]) -> Inquiry:
    """All questions with the best of each one's evidence, to be written from at once."""
    sources: dict[str, Source] = {}
    share = _SHOWN // len(asked)
    for each in asked:
        for source in each.inquiry.sources[:share]:
            sources.setdefault(source.passage.passage_id, source)
    first = asked[0].inquiry
    return replace(
        first,
        text="\n".join(f"{number}. {each.inquiry.text}" for number, each in enumerate(asked, start=1)),
        terms=tuple(dict.fromkeys(term for each in asked for term in each.inquiry.terms)),
        kinds=tuple(dict.fromkeys(kind for each in asked for kind in each.inquiry.kinds)),
        sources=tuple(sources.values()),
        degraded=any(each.inquiry.degraded for each in asked),
        context="",
    )


def replied(parts: Sequence[Part], beyond: int, *, language: str, as_written: str = "") -> Outcome:
    """
    One reply to all. `beyond`: questions that were not looked at.

    `as_written` is a text that answers them all in one; else each answer stands below its question.
    """
    answered = [part for part in parts if part.text]
    confidence = min((part.confidence for part in parts), default=0.0)
    if not answered:
        return Outcome(Decision.ESCALATE, phrase("unknown", language), confidence)
    whole = len(answered) == len(parts) and not beyond
    told = [f"{_headed(part, number)}{part.text}" for number, part in enumerate(parts, start=1) if part.text]
    text = as_written if whole and as_written else "\n\n".join(told)
    # Of each question something is cited before the second of any.
    most = max(len(part.citations) for part in answered)
    ranked = [part.citations[at] for at in range(most) for part in answered if at < len(part.citations)]
    citations = tuple({citation.chunk_id: citation for citation in reversed(ranked)}.values())[::-1][:_CITED]
    if whole:
        return Outcome(Decision.PASS, text, confidence, citations)
    left = [f"- {words}" for part in parts if not part.text and (words := _words(part.asked))]
    left += ["- …"] * bool(beyond)
    text = "\n\n".join([text, phrase("partly", language), *(["\n".join(left)] if left else [])])
    return Outcome(Decision.ESCALATE, text, confidence, citations)


def _headed(part: Part, number: int) -> str:
    words = _words(part.asked)
    return f"**{number}. {words}**\n\n" if words else f"**{number}.**\n\n"


def _words(asked: str) -> str:
    """A question as a heading, in its own words as far as these are harmless."""
    words = clean(" ".join(asked.split()), frozenset()).replace("*", "").replace("`", "").strip()
    if obeys(words):
        return ""
    return words if len(words) <= _HEADING else f"{words[:_HEADING].rsplit(' ', 1)[0]} …"
