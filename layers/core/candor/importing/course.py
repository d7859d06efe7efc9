"""
Course: how far an import has come, and what it found. It lives in the job's checkpoint.

A person who looks sees one scale from 0 to `SCALE`, whatever is being done: it never goes back, and grows
about as fast as time passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from candor.documents import Change
from candor.whmcs import dumps

SCALE: Final = 1_000

READING: Final = 50
"""Of the scale, when tickets are stored: reading a dump takes a twentieth of what storing it takes."""

READING_DRY: Final = 600
"""When nothing is stored."""

STORING: Final = 970
"""Where the documents begin."""

Phase = Literal["scanning", "tickets", "documents", "ending"]


@dataclass(kw_only=True, slots=True)
class Course:
    phase: Phase = "scanning"
    stage: str = ""
    """What is being done, for people."""
    scan: dict[str, Any] = field(default_factory=dict)
    """The reader's own checkpoint, while it reads; then it lies among the work files."""
    partition: int = 0
    """Of the tickets: the one that is being stored, and how many of it have been."""
    index: int = 0
    known: list[int] = field(default_factory=list)
    """Versions that the next step's rows had before it: a step that is done twice counts the same."""
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    tally: dict[str, Any] = field(default_factory=dict)
    """What the reader counted in the partitions that are done with."""
    documents: int = 0
    documents_created: int = 0
    documents_updated: int = 0
    documents_unchanged: int = 0
    documents_withdrawn: int = 0
    done: int = 0

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> "Course":
        return cls(**{name: checkpoint[name] for name in cls.__dataclass_fields__ if name in checkpoint})

    def as_checkpoint(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def tickets(self) -> int:
        return self.created + self.updated + self.unchanged + self.failed

    def read(self, done: int, total: int, *, dry_run: bool) -> None:
        """So many bytes of the files have been read."""
        share = READING_DRY if dry_run else READING
        self._reach(share * min(done, total) // max(1, total))
        self.stage = f"reading: {_megabytes(done)} of {_megabytes(total)} MB"

    def stored(self, *, partitions: int, expected: int, dry_run: bool) -> None:
        """So many tickets are done with."""
        each = max(1.0, expected / max(1, partitions))
        part = (self.partition + min(1.0, self.index / each)) / max(1, partitions)
        begin = READING_DRY if dry_run else READING
        self._reach(begin + int((STORING - begin) * min(1.0, part)))
        doing = "checking" if dry_run else "storing"
        self.stage = f"{doing} tickets: {self.tickets} of about {max(expected, self.tickets)}"

    def wrote(self, *, dry_run: bool) -> None:
        """So many documents are done with."""
        self._reach(STORING)
        self.stage = f"{'checking' if dry_run else 'storing'} documents: {self.documents}"

    def _reach(self, done: int) -> None:
        self.done = max(self.done, min(done, SCALE - 1))

    def count(self, change: Change) -> None:
        """What became of one ticket."""
        setattr(self, change.value, getattr(self, change.value) + 1)

    def add(self, tally: dumps.Tally) -> None:
        """What the reader counted in one more part."""
        whole = dumps.Tally.of(self.tally) if self.tally else dumps.Tally()
        whole.add(tally)
        self.tally = whole.as_dict()

    def count_document(self, change: Change) -> None:
        self.documents += 1
        name = f"documents_{change.value}"
        setattr(self, name, getattr(self, name) + 1)


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.0f}" if count >= 10_000_000 else f"{count / 1_000_000:.1f}"
