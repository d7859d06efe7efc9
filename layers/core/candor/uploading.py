"""Uploading: a file handed in becomes a document at once, or goes the way of a dropped one."""

import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from candor.documents import Contents, Document, Documents, Draft, Origin
from candor.errors import Invalid, TooLarge, UnsupportedType
from candor.ingesting import Ingesting
from candor.jobs import Job
from candor.labels import Labels
from candor.objects import UPLOADS_PREFIX, Objects, UploadForm
from candor.sources import read
from candor.sources.deadlines import UPLOAD_SECONDS
from candor.sources.kinds import SUFFIXES

MAX_BYTES: Final = 200_000_000
"""Of a file that is put into the bucket by a form."""

FORM_SECONDS: Final = 900

MAX_NAME: Final = 200
"""Letters of a file's name: an object's key has 1,024 bytes."""

_LATER: Final = frozenset({".sql", ".gz", ".xz", ".bz2", ".zip"})
"""Suffixes of dumps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """Where and how to put a file, and where it will be found."""

    form: UploadForm
    key: str
    expires_in: int
    max_bytes: int
    document_url: str
    """The url of the document that a file of one document becomes."""


class Uploading:
    def __init__(self, *, documents: Documents, objects: Objects, ingesting: Ingesting) -> None:
        self._documents = documents
        self._objects = objects
        self._ingesting = ingesting

    def take(
        self, name: str, body: bytes, labels: Labels, *, created_by: str
    ) -> tuple[Document, Contents] | Job:
        """
        The document the file has become, or the job that reads it where it holds several.

        The same name or url again is an update. `UnsupportedType` for a kind nobody reads, `Invalid` for a
        file that holds no text or cannot be read, each with a sentence.
        """
        name = clean_name(name)
        if not body:
            raise Invalid(f"{name} is empty.")
        draft, notes, several = self._look(name, body)
        if several:
            return self._drop(name, body, labels, created_by=created_by)
        if draft is None:
            raise Invalid(notes[-1] if notes else f"{name} holds no text.")
        metadata: Mapping[str, object] = {"filename": name, **({"notes": notes} if notes else {})}
        draft = replace(labels.on(draft), source=Origin.UPLOAD.value, metadata=metadata)
        document, _ = self._documents.put(draft)
        return document, Contents(text=draft.text, raw=draft.raw)

    def invite(self, name: str, labels: Labels, *, size: int | None, content_type: str) -> Invitation:
        """A form by which anybody who holds it may put this one file, and nothing else, into the bucket."""
        name = clean_name(name)
        if size is not None and size > MAX_BYTES:
            raise TooLarge(f"{name} is larger than {MAX_BYTES // 1_000_000} MB: split it.")
        suffix = PurePosixPath(name).suffix.lower()
        if suffix and suffix not in SUFFIXES and suffix not in _LATER:
            known = ", ".join(sorted(SUFFIXES))
            raise UnsupportedType(f"{name} has a suffix nobody reads; we read {known}.")
        key = f"{UPLOADS_PREFIX}{name}"
        form = self._objects.upload_form(
            key,
            max_bytes=MAX_BYTES,
            seconds=FORM_SECONDS,
            content_type=content_type,
            metadata=labels.as_metadata(),
        )
        return Invitation(
            form=form,
            key=key,
            expires_in=FORM_SECONDS,
            max_bytes=MAX_BYTES,
            document_url=labels.url or f"file://{name}",
        )

    def _look(self, name: str, body: bytes) -> tuple[Draft | None, list[str], bool]:
        """The file's one draft, sentences about it, and whether it holds records of documents instead."""
        notes: list[str] = []
        draft: Draft | None = None
        for record in read(io.BytesIO(body), name, seconds=UPLOAD_SECONDS):
            if record.ticket is not None:
                return None, notes, True
            if record.draft is None:
                if record.index > 0:
                    return None, notes, True
                notes.append(record.reason)
            elif not record.draft.url.startswith("file://"):
                return None, notes, True
            else:
                draft = record.draft
        return draft, notes[:20], False

    def _drop(self, name: str, body: bytes, labels: Labels, *, created_by: str) -> Job:
        key = f"{UPLOADS_PREFIX}{name}"
        self._objects.put(key, body, metadata=labels.as_metadata())
        info = self._objects.find(key)
        if info is None:
            raise Invalid(f"{name} was removed while it was being read: upload it again.")
        return self._ingesting.queue_object(info, created_by=created_by)


def clean_name(name: str) -> str:
    """A file's name without the folders before it; `Invalid` when nothing is left, or too much."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    # `${filename}` is what S3 itself replaces in the key of a form.
    name = "".join("_" if not letter.isprintable() else letter for letter in name).replace("${", "_{")
    name = " ".join(name.split()).strip(". ")
    if not name or not any(letter.isalnum() for letter in name):
        raise Invalid("The file has no name that says anything.")
    if len(name) > MAX_NAME:
        raise Invalid(f"The file's name is longer than {MAX_NAME} characters: shorten it.")
    return name
