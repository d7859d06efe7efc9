"""Documents: a company's documents, one by one."""

from dataclasses import dataclass, replace
from functools import cache

from candor import wiring
from candor.crawling.refreshing import Refreshing
from candor.crawling.service import Crawling
from candor.documents import Contents, Document, Documents, draft_of
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models.admin import AcceptedReply
from candor.edge.models.crawls import CrawlBody, CrawlReply, RefreshAllReply, RefreshReply, WaitQuery
from candor.edge.models.documents import (
    DocumentBody,
    DocumentChangeBody,
    DocumentReply,
    DocumentsQuery,
    DocumentsReply,
    DocumentSummary,
    FetchBody,
    FetchReply,
)
from candor.edge.models.uploads import UploadFields, UploadUrlBody, UploadUrlReply
from candor.edge.multipart import read_form
from candor.edge.observability import observed
from candor.errors import Conflict, NotFound
from candor.jobs import Job
from candor.page_fetching import PageFetching
from candor.uploading import Uploading

_ATTEMPTS = 5

WAIT_SECONDS = 25.0
"""API Gateway gives up after 29."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    documents: Documents
    page_fetching: PageFetching
    crawling: Crawling
    refreshing: Refreshing
    uploading: Uploading


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        documents=wiring.documents(),
        page_fetching=wiring.page_fetching(),
        crawling=wiring.crawling(),
        refreshing=wiring.refreshing(),
        uploading=wiring.uploading(),
    )


api = Api("documents", gate=lambda: service().gate, form_reader=read_form)


@api.view("GET", "/v1/documents")
def list_documents(call: Call) -> DocumentsReply:
    query: DocumentsQuery = call.query
    listing = service().documents.list(
        page=query.page,
        page_size=query.page_size,
        doc_type=query.doc_type or None,
        text=query.q or None,
        status=query.status,
        origin=query.source,
    )
    items = [DocumentSummary(**DocumentSummary.fields_of(document)) for document in listing.items]
    return DocumentsReply(items=items, total=listing.total, page=query.page, page_size=query.page_size)


@api.view("POST", "/v1/documents/upload")
def upload_document(call: Call) -> DocumentReply | Reply:
    fields: UploadFields = call.body
    assert call.file is not None
    made = service().uploading.take(
        call.file.name, call.file.body, fields.labels(), created_by=call.principal.principal_id
    )
    if isinstance(made, Job):
        return Reply(status=202, body=AcceptedReply.of(made))
    return DocumentReply.of(*made)


@api.view("POST", "/v1/documents/upload-url")
def invite_upload(call: Call) -> UploadUrlReply:
    body: UploadUrlBody = call.body
    invitation = service().uploading.invite(
        body.filename, body.labels(), size=body.size, content_type=body.content_type or ""
    )
    return UploadUrlReply(
        url=invitation.form.url,
        fields=dict(invitation.form.fields),
        key=invitation.key,
        expires_in=invitation.expires_in,
        max_bytes=invitation.max_bytes,
        document_url=invitation.document_url,
    )


@api.view("POST", "/v1/documents/fetch-from-url")
def fetch_from_url(call: Call) -> FetchReply:
    body: FetchBody = call.body
    page = service().page_fetching.fetch(body.url)
    document = None
    if body.store:
        draft = page.draft(title=body.title or "", doc_type=body.doc_type or "")
        document, _ = service().documents.put(draft)
    return FetchReply.of(page, document)


@api.view("POST", "/v1/documents/crawl-website")
def crawl_website(call: Call) -> Reply:
    body: CrawlBody = call.body
    query: WaitQuery = call.query
    crawling = service().crawling
    job = crawling.begin_site(body.start, options=body.options(), created_by=call.principal.principal_id)
    if query.wait:
        job = crawling.wait(job.job_id, seconds=WAIT_SECONDS)
        if job.status.ended:
            result = {"status": job.status.value, **job.result}
            return Reply(status=200, body=CrawlReply(job_id=job.job_id, id=job.job_id, **result))
    return Reply(status=202, body=AcceptedReply.of(job))


@api.view("POST", "/v1/documents/re-crawl-all")
def re_crawl_all(call: Call) -> Reply:
    query: WaitQuery = call.query
    job = service().refreshing.begin_all(created_by=call.principal.principal_id)
    if query.wait:
        job = service().crawling.wait(job.job_id, seconds=WAIT_SECONDS)
        if job.status.ended:
            result = {"status": job.status.value, **job.result}
            return Reply(status=200, body=RefreshAllReply(job_id=job.job_id, id=job.job_id, **result))
    return Reply(status=202, body=AcceptedReply.of(job))


@api.view("POST", "/v1/documents/{id}/re-crawl")
def re_crawl(call: Call) -> RefreshReply:
    return RefreshReply.of(service().refreshing.refresh(call.path["id"]))


@api.view("GET", "/v1/documents/{id}")
def show_document(call: Call) -> DocumentReply:
    document, contents = _whole(call.path["id"])
    return DocumentReply.of(document, contents)


@api.view("POST", "/v1/documents")
def put_document(call: Call) -> DocumentReply:
    body: DocumentBody = call.body
    draft = body.draft()
    document, _ = service().documents.put(draft)
    return DocumentReply.of(document, Contents(text=draft.text, raw=draft.raw))


@api.view("PATCH", "/v1/documents/{id}")
def change_document(call: Call) -> DocumentReply:
    body: DocumentChangeBody = call.body
    for _ in range(_ATTEMPTS):
        document, contents = _whole(call.path["id"])
        draft = replace(draft_of(document, contents), **body.changes())
        try:
            changed, _ = service().documents.put(draft, expected_version=document.version)
        except Conflict:
            continue  # Somebody changed another part of it meanwhile: ours goes on top of that.
        return DocumentReply.of(changed, contents)
    raise Conflict("The document is being changed by others; try again.", retry_after=1)


@api.view("DELETE", "/v1/documents/{id}")
def delete_document(call: Call) -> None:
    service().documents.delete(call.path["id"])


def _whole(document_id: str) -> tuple[Document, Contents]:
    """A document with its texts, both of one version."""
    documents = service().documents
    for _ in range(_ATTEMPTS):
        document = documents.get(document_id)
        try:
            return document, documents.contents(document)
        except NotFound:
            continue  # Replaced between the two reads.
    raise Conflict("The document is being changed by others; try again.", retry_after=1)


handler = observed(api, build=service)
