"""Labels: what somebody said about a file when handing it in, carried by the object itself."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self
from urllib.parse import quote, unquote

from candor.documents import Draft
from candor.errors import Invalid

MAX_BYTES: Final = 1_800
"""S3 keeps 2,048 bytes of metadata, names included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """Blank: the file itself decides."""

    title: str = ""
    doc_type: str = ""
    url: str = ""

    def as_metadata(self) -> dict[str, str]:
        """ASCII, as headers are. `Invalid` when it is more than an object can carry."""
        found = {
            f.name: quote(value, safe=" :/?=&.,-_") for f in fields(self) if (value := getattr(self, f.name))
        }
        if sum(map(len, found.values())) > MAX_BYTES:
            raise Invalid(
                "The title and the url together are too long to travel with the file: shorten them."
            )
        return found

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> Self:
        return cls(**{f.name: unquote(metadata[f.name]) for f in fields(cls) if metadata.get(f.name)})

    def on(self, draft: Draft) -> Draft:
        """The draft with what was said; one that is a record among others of its file keeps its own."""
        if not draft.url.startswith("file://"):
            return draft
        return replace(
            draft,
            title=self.title or draft.title,
            doc_type=self.doc_type or draft.doc_type,
            url=self.url or draft.url,
        )
