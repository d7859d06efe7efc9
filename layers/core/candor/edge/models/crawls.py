"""Crawls' models: a website to be crawled, and documents from the web to be fetched again."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from candor.crawling.crawls import Options
from candor.crawling.refreshing import Refreshed
from candor.documents import Document
from candor.edge.models import Body, Flag, Query, Reply, Words
from candor.edge.models.admin import AcceptedReply

_Address = Annotated[str, Field(min_length=1, max_length=2_000)]
_Prefixes = Annotated[list[Annotated[Words, Field(max_length=500)]], Field(max_length=50)]


class CrawlBody(Body):
    """A website: `base_url`, or `url`, is where the crawl starts. It does not leave that site."""

    base_url: _Address | None = None
    url: _Address | None = None
    max_pages: Annotated[int, Field(ge=1, le=500)] | None = None
    """Documents at most; 50 unless said otherwise."""
    max_depth: Annotated[int, Field(ge=1, le=10)] | None = None
    """Links away from the start; 3 unless said otherwise."""
    ingest: bool | None = None
    """False: the pages are listed, and nothing is stored."""
    include_prefixes: _Prefixes | None = None
    """Paths, or whole addresses, that alone are followed."""
    exclude_prefixes: _Prefixes | None = None
    """Paths, or whole addresses, that are not followed."""
    delay_seconds: Annotated[float, Field(ge=0, le=60)] | None = None
    """Between two requests, where that is more than the site asks for."""

    @model_validator(mode="after")
    def _names_a_site(self) -> Self:
        if not (self.base_url or self.url):
            raise ValueError("base_url must name the site")
        return self

    @property
    def start(self) -> str:
        return self.base_url or self.url or ""

    def options(self) -> Options:
        given = self.model_dump(exclude_none=True, exclude={"base_url", "url"})
        return Options.of(given)


class WaitQuery(Query):
    wait: Flag = False
    """Answer with the result if it is there within 25 seconds."""


class CrawledPage(Reply):
    url: str
    title: str
    doc_type: str


class CrawlReply(Reply):
    """What came of a crawl; the numbers beside it are in the job's result."""

    job_id: str
    id: str
    status: str
    error: str | None = None
    pages_crawled: int = 0
    """Pages with content, each text once."""
    pages_ingested: int = 0
    """Those that are documents now."""
    pages_fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    gone: int = 0
    """Documents withdrawn because their page is no longer one of its own."""
    withdrawn: dict[str, int] = Field(default_factory=dict)
    duplicates: int = 0
    skipped: dict[str, int] = Field(default_factory=dict)
    errors: int = 0
    rendered: int = 0
    limit_reached: bool = False
    warning: str | None = None
    bytes: int = 0
    seconds: float = 0.0
    """From the beginning to the last page."""
    pages_per_second: float = 0.0
    not_yet_searchable: int = 0
    """Documents whose indexing had not come to them when the job ended: they follow within seconds."""
    pages: list[CrawledPage] = Field(default_factory=list)


class RefreshErrorReply(Reply):
    url: str
    reason: str


class RefreshAllReply(Reply):
    job_id: str
    id: str
    status: str
    total: int = 0
    updated: int = 0
    unchanged: int = 0
    gone: int = 0
    error: int = 0
    errors: list[RefreshErrorReply] = Field(default_factory=list)


class RefreshReply(Reply):
    """`status` is the document's, or `gone` when its page is; then the document has been withdrawn."""

    status: str
    document_id: str
    title: str
    source_url: str
    chunks_count: int
    updated: bool

    @classmethod
    def of(cls, refreshed: Refreshed) -> Self:
        document: Document = refreshed.document
        gone = refreshed.fate == "gone"
        return cls(
            status="gone" if gone else document.status.value,
            document_id=document.document_id,
            title=document.title,
            source_url=document.url,
            chunks_count=0 if gone else document.chunks_count,
            updated=refreshed.fate == "updated",
        )


__all__ = ["AcceptedReply", "CrawlBody", "CrawlReply", "RefreshAllReply", "RefreshReply", "WaitQuery"]
