"""Documents' models: what is handed in, and what is shown."""

import json
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from candor.documents import Contents, Document, Draft, Origin, Status, origin_of
from candor.edge.models import Body, Paging, Reply, Words
from candor.errors import Invalid
from candor.objects import SOURCE_PREFIX
from candor.page_fetching import FetchedPage
from candor.sources.records import MAX_LABEL, MAX_TEXT, MAX_URL, metadata_of
from candor.sources.shapes import Context, document

HttpUrl = Annotated[
    str, StringConstraints(pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#]\S*$"), Field(max_length=MAX_URL)
]

_Text = Annotated[str, Field(max_length=MAX_TEXT)]
_Html = Annotated[str, Field(max_length=2 * MAX_TEXT)]
_Title = Annotated[str, Field(max_length=500)]
_Type = Annotated[Words, Field(max_length=100)]
_Label = Annotated[str, Field(max_length=MAX_LABEL)]


_MOST_BYTES = 5_500_000
"""A function's answer may have six million bytes; the rest of it needs a little."""


def _within(original: str, *, beside: str) -> str:
    """As much of an original as fits into one answer with the text beside it."""
    room = _MOST_BYTES - len(json.dumps(beside, ensure_ascii=False).encode())
    while original and len(json.dumps(original, ensure_ascii=False).encode()) > room:
        original = original[: len(original) * 3 // 4]
    return original


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        return metadata_of(value)
    except Invalid as error:
        raise ValueError(str(error)) from None


_Metadata = Annotated[dict[str, Any], AfterValidator(_storable)]


class RecordBody(Body):
    """One document as it is handed in: `url` names it, one of the three texts is enough."""

    url: HttpUrl
    title: _Title | None = None
    raw_text: _Text | None = None
    raw_html: _Html | None = None
    content: _Text | None = None
    doc_type: _Type | None = None
    effective_date: date | None = None
    product: _Label | None = None
    region: _Label | None = None
    metadata: _Metadata | None = None

    def record(self) -> dict[str, Any]:
        """The record as files hold it."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {**given, "doc_type": self.doc_type or "other"}


class DocumentBody(RecordBody):
    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.raw_text or self.raw_html or self.content):
            raise ValueError("one of raw_text, raw_html and content must hold text")
        return self

    def draft(self) -> Draft:
        """`Invalid` where HTML was given and holds no text."""
        return document(self.record(), Context(key="api"))


class DocumentChangeBody(Body):
    """Fields left out keep their value."""

    title: Annotated[Words, Field(max_length=500)] | None = None
    doc_type: _Type | None = None
    effective_date: date | None = None
    metadata: _Metadata | None = None

    def changes(self) -> dict[str, Any]:
        """What is to be set. A null clears the date; title, type and metadata cannot be nothing."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if isinstance(given.get("effective_date"), date):
            given["effective_date"] = given["effective_date"].isoformat()
        return {name: value for name, value in given.items() if value is not None or name == "effective_date"}


class DocumentsQuery(Paging):
    doc_type: Annotated[str, Field(max_length=100)] | None = None
    q: Annotated[str, Field(max_length=500)] | None = None
    """Looked for in title and url."""
    status: Status | None = None
    source: Origin | None = None
    """Where it comes from: the API, an upload, the web, or a file dropped into the bucket."""


class DocumentSummary(Reply):
    id: str
    title: str
    source_url: str
    doc_type: str
    effective_date: str | None
    product: str | None
    region: str | None
    chunks_count: int
    status: Status
    error: str | None
    source: Origin | None
    """Where it comes from; `source_file` names the file."""
    source_file: str | None
    metadata: dict[str, Any]
    created_at: str
    updated_at: str

    @classmethod
    def fields_of(cls, document: Document) -> dict[str, Any]:
        from_file = document.source.startswith(SOURCE_PREFIX)
        return {
            "id": document.document_id,
            "title": document.title,
            "source_url": document.url,
            "doc_type": document.doc_type,
            "effective_date": document.effective_date,
            "product": document.product,
            "region": document.region,
            "chunks_count": document.chunks_count,
            "status": document.status,
            "error": document.error,
            "source": origin_of(document.source),
            "source_file": document.source.removeprefix(SOURCE_PREFIX) if from_file else None,
            "metadata": dict(document.metadata),
            "created_at": document.created_at.isoformat(),
            "updated_at": document.updated_at.isoformat(),
        }


class DocumentReply(DocumentSummary):
    raw_content: str
    """As it came; cut off where the whole would be more than one answer may hold."""
    cleaned_content: str

    @classmethod
    def of(cls, document: Document, contents: Contents) -> Self:
        return cls(
            **cls.fields_of(document),
            raw_content=_within(contents.raw or contents.text, beside=contents.text),
            cleaned_content=contents.text,
        )


class FetchBody(Body):
    url: Annotated[str, Field(min_length=1)]
    """Which addresses may be fetched is `candor.addresses`' to say, and a bad one is 400."""
    store: bool | None = None
    title: _Title | None = None
    doc_type: _Type | None = None


class FetchReply(Reply):
    title: str
    content: str
    raw_html: str
    """The page as it came; cut off where the whole would be more than one answer may hold."""
    url: str
    """After the redirects."""
    document: DocumentSummary | None = None
    """What it was stored as."""

    @classmethod
    def of(cls, fetched: FetchedPage, document: Document | None) -> Self:
        page = fetched.page
        return cls(
            title=page.title,
            content=page.text,
            raw_html=_within(page.html, beside=page.text),
            url=fetched.fetched.url,
            document=DocumentSummary(**DocumentSummary.fields_of(document)) if document else None,
        )


class DocumentsReply(Reply):
    items: list[DocumentSummary]
    total: int
    page: int
    page_size: int
