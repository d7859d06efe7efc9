"""Tallying: what a file holds, and what has become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from candor.documents import Change, document_id_of
from candor.jobs import MAX_ERRORS_KEPT
from candor.sources.records import Record

KEPT: Final = 4
"""Records that are kept from the first look to the writing: a PDF may take half a minute to read."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """What has become of the records so far; lives in the job's checkpoint."""

    next: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    error: int = 0

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> Self:
        return cls(**{name: int(checkpoint.get(name, 0)) for name in cls.__dataclass_fields__})

    def count(self, change: Change) -> None:
        if change == Change.UNCHANGED:
            self.unchanged += 1
        elif change == Change.CREATED:
            self.created += 1
        else:
            self.updated += 1

    def as_checkpoint(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def as_result(self, *, total: int, withdrawn: int) -> dict[str, Any]:
        return {
            "status": "ok",
            "ok": self.created + self.updated + self.unchanged,
            "skipped": self.skipped,
            "error": self.error,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "withdrawn": withdrawn,
            "total": total,
        }


@dataclass(kw_only=True, slots=True)
class Census:
    """A first look through the file: how many records, and which one of each document or ticket counts."""

    total: int = 0
    error: int = 0
    last: dict[str, int] = field(default_factory=dict)
    """By `Record.identity`."""
    ticket_ids: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    """What is worth saying about the file as a whole."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """The first records that are neither document nor ticket, and why."""
    records: list[Record] = field(default_factory=list)
    """The first ones: all of them, unless there are more than `KEPT`."""

    @property
    def document_ids(self) -> frozenset[str]:
        return frozenset(document_id_of(url) for url in self.last if url not in self.ticket_ids)

    def see(self, record: Record) -> None:
        if len(self.records) <= KEPT:
            self.records.append(record)
        if record.index < 0:
            self.notes.append(record.reason)
            return
        self.total = record.index + 1
        if record.identity is not None:
            self.last[record.identity] = record.index
            if record.ticket is not None:
                self.ticket_ids.add(record.identity)
            return
        self.error += 0 if record.skipped else 1
        if len(self.faults) < MAX_ERRORS_KEPT:
            self.faults.append((record.index, record.reason))

    def counts(self, record: Record) -> bool:
        """Whether it is the last one of its document or ticket."""
        return record.identity is not None and self.last[record.identity] == record.index

    @property
    def skipped(self) -> int:
        """Records that hold nothing, and those whose url comes again later."""
        return self.total - len(self.last) - self.error
