"""Documents: a company's documents, one by one."""

from dataclasses import dataclass, replace
from functools import cache

from candor import wiring
from candor.documents import Contents, Document, Documents, draft_of
from candor.edge.gate import Gate
from candor.edge.http import Api, Call
from candor.edge.models.documents import (
    DocumentBody,
    DocumentChangeBody,
    DocumentReply,
    DocumentsQuery,
    DocumentsReply,
    DocumentSummary,
)
from candor.edge.observability import observed
from candor.errors import Conflict, NotFound

_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    documents: Documents


@cache
def service() -> Service:
    return Service(gate=wiring.gate(), documents=wiring.documents())


api = Api("documents", gate=lambda: service().gate)


@api.view("GET", "/v1/documents")
def list_documents(call: Call) -> DocumentsReply:
    query: DocumentsQuery = call.query
    listing = service().documents.list(
        page=query.page, page_size=query.page_size, doc_type=query.doc_type or None, text=query.q or None
    )
    items = [DocumentSummary(**DocumentSummary.fields_of(document)) for document in listing.items]
    return DocumentsReply(items=items, total=listing.total, page=query.page, page_size=query.page_size)


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
