"""
Document types: what kinds of documents there are, as an administrator sees them.

A document may have a type that is not in the list: it is kept and found all the same. A type that is
switched off is not given to pages by their address and headings any more.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from candor.entries import Books, Entry, Following, Listing, checked_key, seed

NAME: Final = "doc-types"
MOST: Final = 200
OTHER: Final = "other"

_SEEDS: Final = (
    ("policy", "Policies", "Rules of the company: privacy, refunds, acceptable use, service levels."),
    ("tos", "Terms of service", "What customers agree to: terms, offers, agreements."),
    ("faq", "Frequent questions", "Questions with their answers."),
    ("howto", "How-to", "Guides and articles that tell step by step how something is done."),
    ("pricing", "Prices", "Plans, tariffs and what they cost."),
    ("conversation", "Conversations", "Solved tickets and talks, without what was private in them."),
    ("other", "Other", "Everything else."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class DocType:
    """One kind of document."""

    doc_type_id: str
    key: str
    """What stands in `doc_type` of a document."""
    label: str
    description: str
    enabled: bool
    sort_order: int

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            doc_type_id=entry.entry_id,
            key=entry.key,
            label=entry.content["label"],
            description=entry.content["description"],
            enabled=entry.enabled,
            sort_order=entry.sort_order,
        )


class DocTypes:
    """The types of this house. What each method raises is `Listing`'s."""

    def __init__(self, *, books: Books) -> None:
        seeds = [
            seed(NAME, key, place, label=label, description=description)
            for place, (key, label, description) in enumerate(_SEEDS, start=1)
        ]
        self._listing = Listing(name=NAME, books=books, seeds=seeds, most=MOST, what="document type")

    def list(self) -> tuple[DocType, ...]:
        """All of them in their order."""
        return tuple(map(DocType.of, self._listing.read()[1]))

    def get(self, doc_type_id: str) -> DocType:
        return DocType.of(self._listing.get(doc_type_id))

    def add(
        self,
        *,
        key: str,
        label: str = "",
        description: str = "",
        enabled: bool = True,
        sort_order: int | None = None,
    ) -> DocType:
        """A blank label is the key."""
        content = {"label": label or key.strip(), "description": description}
        entry = self._listing.add(checked_key(key), enabled=enabled, sort_order=sort_order, content=content)
        return DocType.of(entry)

    def change(self, doc_type_id: str, changes: Mapping[str, Any]) -> DocType:
        """What is given of a type; None, and what is left out, keeps. Documents keep the old key."""
        given = {name: value for name, value in changes.items() if value is not None}
        key = checked_key(given["key"]) if "key" in given else None

        def changed(entry: Entry) -> Entry:
            said: dict[str, Any] = {name: given[name] for name in ("label", "description") if name in given}
            return replace(
                entry,
                key=key or entry.key,
                enabled=given.get("enabled", entry.enabled),
                sort_order=given.get("sort_order", entry.sort_order),
                content={**entry.content, **said},
            )

        return DocType.of(self._listing.change(doc_type_id, changed))

    def delete(self, doc_type_id: str) -> None:
        self._listing.delete(doc_type_id)

    def following(self, *, ticks: Callable[[], float] = time.monotonic) -> Callable[[str], str]:
        """
        What becomes of a type that a page's address and headings tell: itself, or `other`.

        Follows the list within seconds, and raises nothing.
        """
        given = Following(
            version=lambda: self._listing.version,
            make=lambda: _given(*self._listing.read()),
            first=lambda: _given(0, self._listing.seeds())[1],
            ticks=ticks,
        )
        return lambda told: told if told in given() else OTHER


def _given(version: int, entries: Sequence[Entry]) -> tuple[int, frozenset[str]]:
    return version, frozenset(entry.key for entry in entries if entry.enabled)
