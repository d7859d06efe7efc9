"""Uploads' models: a file handed in, and the form by which a large one is put into the bucket."""

from typing import Annotated

from pydantic import Field, StringConstraints

from candor.edge.models import Body, Reply, Words
from candor.edge.models.documents import HttpUrl
from candor.labels import Labels

_Title = Annotated[Words, Field(max_length=500)]
_Type = Annotated[Words, Field(max_length=100)]


class UploadFields(Body):
    """The fields beside the file."""

    title: _Title | None = None
    """Left out: the file's own, its first heading, or its name."""
    doc_type: _Type | None = None
    url: HttpUrl | None = None
    """What names the document; left out: `file://<name>`."""

    def labels(self) -> Labels:
        return Labels(title=self.title or "", doc_type=(self.doc_type or "").lower(), url=self.url or "")


class UploadUrlBody(UploadFields):
    filename: Annotated[Words, Field(max_length=1_000)]
    size: Annotated[int, Field(ge=1)] | None = None
    """Bytes. More than we take is refused now and not when they have been sent."""
    content_type: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$"), Field(max_length=120)]
        | None
    ) = None


class UploadUrlReply(Reply):
    """POST the `fields` as they are and then the file, as the field `file`, to `url`: multipart/form-data."""

    url: str
    fields: dict[str, str]
    key: str
    """Subject of the job in `GET /v1/admin/jobs` that reads the file: it begins when the file is there."""
    expires_in: int
    """Seconds."""
    max_bytes: int
    document_url: str
    """The `source_url` of the document, when the file is one: `GET /v1/documents?q=` finds it."""
