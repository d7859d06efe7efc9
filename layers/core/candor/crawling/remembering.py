"""Remembering: what earlier crawls knew of pages, as far as it still holds, and what is kept of this one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from candor.crawling.crawls import SOURCE, Crawls, Page, Plan
from candor.crawling.frontier import Outcome, Written
from candor.crawling.visiting import Visit
from candor.crawling.writing import Result
from candor.documents import Documents, Status, document_id_of


def still_true(
    crawls: Crawls, documents: Documents, plan: Plan, keys: Iterable[str]
) -> tuple[Mapping[str, Page], set[str]]:
    """
    What still holds of what is remembered, and which pages' documents belong to somebody else.

    A page whose document is not there any more is read whole again.
    """
    pages = dict(crawls.pages(plan.site, keys))
    ours = {key: document_id_of(page.url) for key, page in pages.items() if page.document}
    served = documents.served_versions(ours.values())
    owned: set[str] = set()
    for key, document_id in ours.items():
        if served.get(document_id) == pages[key].version:
            continue
        document = documents.find(document_id)
        if document is not None and not document.deleted and document.source != SOURCE:
            owned.add(key)
        elif document is None or document.deleted or document.status == Status.FAILED:
            pages[key] = replace(pages[key], reader=0)
    return pages, owned


def to_remember(
    plan: Plan, decided: Mapping[str, Visit], written: Mapping[str, Result], remembered: Mapping[str, Page]
) -> list[Page]:
    """Pages that have changed. That a page has a document stays remembered until it has been withdrawn."""
    pages: list[Page] = []
    for key, visit in decided.items():
        if visit.page is None or visit.unchanged or visit.outcome == Outcome.LIMIT:
            continue
        before, result = remembered.get(key), written.get(key)
        document, version = (before.document, before.version) if before else (False, 0)
        if result is not None:
            document, version = result.outcome == Outcome.KEPT, result.version
        pages.append(
            replace(
                visit.page,
                document=document,
                version=version,
                job_id=plan.job_id,
                written=result.written if result else Written.NOTHING,
            )
        )
    return pages
