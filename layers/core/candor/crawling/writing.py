"""Writing: kept pages become documents, and those that have not changed stay as they are."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from candor.crawling.crawls import SOURCE, Page, Plan
from candor.crawling.frontier import Outcome, Written
from candor.crawling.visiting import Visit
from candor.documents import Change, Document, Documents, Draft, Status, document_id_of

WRITERS: Final = 8
"""Rows written at once: a write is nine tenths waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What was done to a page's document: KEPT, or OTHER_SOURCE where it is not ours to write."""

    outcome: Outcome = Outcome.KEPT
    written: Written = Written.NOTHING
    version: int = 0


class Writing:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def write(
        self, plan: Plan, visits: Mapping[str, Visit], remembered: Mapping[str, Page]
    ) -> Mapping[str, Result]:
        """The documents of all pages that are kept, durable on return. None in a crawl that only looks."""
        if not plan.options.ingest:
            return {}
        results: dict[str, Result] = {}
        to_put: dict[str, Visit] = {}
        for key, visit in visits.items():
            if visit.outcome != Outcome.KEPT:
                continue
            if visit.draft is not None:
                to_put[key] = visit
            elif visit.page is not None and visit.page.document:
                ours = visit.page.job_id == plan.job_id
                written = visit.page.written if ours and visit.page.written else Written.UNCHANGED
                results[key] = Result(written=written, version=visit.page.version)
        if to_put:
            with ThreadPoolExecutor(max_workers=WRITERS) as pool:
                put = pool.map(lambda key: self._put(plan, to_put[key], remembered.get(key)), to_put)
                results |= dict(zip(to_put, put, strict=True))
        return results

    def _put(self, plan: Plan, visit: Visit, before: Page | None) -> Result:
        assert visit.draft is not None
        assert visit.page is not None
        current = self._documents.find(document_id_of(visit.url))
        alive = current is not None and not current.deleted
        if current is not None and alive and current.source != SOURCE:
            return Result(outcome=Outcome.OTHER_SOURCE)
        if current is not None and alive and before is not None and _same(current, before, visit.page):
            # The page has changed, and nothing that anybody reads.
            return Result(written=_by_this(plan, current, before), version=before.version)
        draft = visit.draft
        if current is not None and alive:
            draft = _with_corrections(draft, current, before)
        document, change = self._documents.put(draft)
        written = Written(change.value)
        if change == Change.UNCHANGED and document.updated_at.timestamp() >= plan.started:
            # Put by this very crawl, by a worker that did not live to say so.
            written = Written.CREATED if document.created_at.timestamp() >= plan.started else Written.UPDATED
        return Result(written=written, version=document.version)


def _with_corrections(draft: Draft, current: Document, before: Page | None) -> Draft:
    """What a person has said about the document since it was last written stays said."""
    retitled = before is not None and current.title != before.title
    retyped = before is not None and current.doc_type != before.doc_type
    return replace(
        draft,
        title=current.title if retitled else draft.title,
        doc_type=current.doc_type if retyped else draft.doc_type,
        effective_date=current.effective_date,
        product=current.product,
        region=current.region,
        metadata=current.metadata,
    )


def _same(current: Document, before: Page, page: Page) -> bool:
    return (
        before.document
        and current.status != Status.FAILED
        and current.version == before.version
        and (before.text, before.title, before.doc_type) == (page.text, page.title, page.doc_type)
    )


def _by_this(plan: Plan, current: Document, before: Page) -> Written:
    ours = before.job_id == plan.job_id and before.written
    return before.written if ours else Written.UNCHANGED
