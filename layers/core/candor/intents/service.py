"""Service of intents: shown in order, added, changed, deleted; each pattern checked before it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from candor.entries import Books, Entry, Listing, checked_key
from candor.errors import Invalid
from candor.intents.grammar import read, size
from candor.intents.seeds import SEEDS
from candor.intents.values import (
    MOST,
    Intent,
    content_of,
    read_answer,
    read_patterns,
    read_translations,
)

NAME: Final = "intents"

MOST_STATES: Final = 20_000
"""
Characters all patterns together may stand for: 0.1 s to make a machine of, and at the very worst 2 ms to read
one character of a message.
"""


class Intents:
    """The intents of this house. What each method raises is `Listing`'s."""

    def __init__(self, *, books: Books) -> None:
        self._listing = Listing(name=NAME, books=books, seeds=SEEDS, most=MOST, what="intent")

    @property
    def version(self) -> int:
        return self._listing.version

    def read(self) -> tuple[int, tuple[Intent, ...]]:
        """The version, and all of them in their order."""
        version, entries = self._listing.read()
        return version, tuple(map(Intent.of, entries))

    def seeds(self) -> tuple[Intent, ...]:
        """What there is before anybody has said anything."""
        return tuple(map(Intent.of, self._listing.seeds()))

    def get(self, intent_id: str) -> Intent:
        return Intent.of(self._listing.get(intent_id))

    def add(
        self,
        *,
        key: str,
        patterns: str | Sequence[str],
        answer: str,
        translations: Mapping[str, str] | None = None,
        enabled: bool = True,
        sort_order: int | None = None,
    ) -> Intent:
        entry = self._listing.add(
            checked_key(key),
            enabled=enabled,
            sort_order=sort_order,
            content=content_of(
                read_patterns(patterns), read_answer(answer), read_translations(translations or {})
            ),
            check=_check_size,
        )
        return Intent.of(entry)

    def change(self, intent_id: str, changes: Mapping[str, Any]) -> Intent:
        """
        What is given of an intent; None, and what is left out, keeps.

        A new answer without translations drops the old ones: they would say something else.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        content: dict[str, Any] = {}
        if "patterns" in given:
            content["patterns"] = read_patterns(given["patterns"])
        if "answer" in given:
            content["answer"] = read_answer(given["answer"])
        if "translations" in given:
            content["translations"] = read_translations(given["translations"])
        key = checked_key(given["key"]) if "key" in given else None

        def changed(entry: Entry) -> Entry:
            kept = dict(entry.content)
            if content.get("answer", kept["answer"]) != kept["answer"]:
                kept["translations"] = {}
            return replace(
                entry,
                key=key or entry.key,
                enabled=given.get("enabled", entry.enabled),
                sort_order=given.get("sort_order", entry.sort_order),
                content={**kept, **content},
            )

        return Intent.of(self._listing.change(intent_id, changed, check=_check_size))

    def delete(self, intent_id: str) -> None:
        self._listing.delete(intent_id)


def _check_size(entries: Sequence[Entry]) -> None:
    total = sum(size(read(pattern)) for entry in entries for pattern in Intent.of(entry).alternatives)
    if total > MOST_STATES:
        raise Invalid(
            f"All patterns together stand for more than {MOST_STATES:,} characters when their repeats are "
            "written out: shorten some, or delete intents that are not used."
        )
