"""Citing: the evidence of an answer as its reader gets it: one quote for each passage, literally from it."""

from candor.answering.cleaning import clean, quote
from candor.answering.evidence import Inquiry
from candor.answering.values import Citation
from candor.answering.verifying import linkable
from candor.answering.words import Bag
from candor.answering.writing import Written

_MOST = 6
_QUOTED = 300


def citations_of(inquiry: Inquiry, written: Written) -> tuple[Citation, ...]:
    """One citation for each passage used, in order of use; one without a clean quote is left out."""
    found: list[Citation] = []
    hosts = linkable([inquiry.sources[number].passage for number in written.used])
    for number in written.used[:_MOST]:
        passage = inquiry.sources[number].passage
        said = _quote(inquiry, written, number, hosts)
        if not said:
            continue
        found.append(
            Citation(
                chunk_id=passage.passage_id,
                document_id=passage.document_id,
                source_url=passage.url,
                doc_type=passage.doc_type,
                title=clean(passage.title, hosts),
                quote=said,
            )
        )
    return tuple(found)


def _quote(inquiry: Inquiry, written: Written, number: int, hosts: frozenset[str]) -> str:
    """From the best span used; where the text was the model's, the unit with most of its words."""
    source = inquiry.sources[number]
    text = source.passage.text
    spans = [(start, end) for used, start, end in written.spans if used == number]
    if not spans:
        said = Bag.of(written.text, source.passage.language)
        ranked = sorted(
            source.units, key=lambda unit: -len(Bag.of(unit.text, source.passage.language).stems & said.stems)
        )
        spans = [(unit.start, unit.end) for unit in ranked if unit.kind not in ("heading", "asked")]
    elif len(spans) > 1:
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        # Neighbours that fit are quoted as one stretch, the blank between them included.
        whole = quote(text, first, last, hosts, limit=_QUOTED) if last - first <= _QUOTED else ""
        if whole and len(whole) == len(text[first:last].strip()):
            return whole
    best = ""
    for start, end in spans:
        best = quote(text, start, end, hosts, limit=_QUOTED)
        if len(best) >= 12:
            return best
    return best or quote(text, 0, len(text), hosts, limit=_QUOTED)
