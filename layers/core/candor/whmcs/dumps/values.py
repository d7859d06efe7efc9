"""Dump values: what is asked, how far the reading has come, and the ports of a dump and its work files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, BinaryIO, Final, Protocol, Self

PROBLEMS_KEPT: Final = 100


class Dump(Protocol):
    """One dump as it lies somewhere: one file, or the parts of one in their order."""

    @property
    def files(self) -> Sequence[str]: ...

    def size(self, file: str) -> int:
        """Bytes as stored."""
        ...

    def open(self, file: str, start: int = 0) -> BinaryIO:
        """The bytes as stored, from `start` on. The caller closes it."""
        ...


class Spill(Protocol):
    """Work files of one import, by name. Names have the letters a-z, digits, `-`, `.` and `/`."""

    def append(self, name: str, data: bytes) -> None:
        """Durable on return. The same name again replaces what it had: a block written twice counts once."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """Its bytes in pieces of any size; none when there is no such name."""
        ...

    def names(self) -> Iterable[str]: ...

    def clear(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What of a dump is wanted; blank: everything."""

    departments: tuple[str, ...] = ()
    """Names in any case, or ids."""
    statuses: tuple[str, ...] = ()
    """In any case."""
    since: datetime | None = None
    """Tickets that changed then or later."""
    base_url: str = ""
    """Of the WHMCS installation: with it, tickets and documents get addresses that a person can open."""
    extras: bool = True
    """The knowledge base, announcements, predefined replies and products as documents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that was not as expected, and what came of it, as a sentence."""

    file: str
    offset: int
    """In the file's text, after decompression."""
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """How far the reading has come: always between two rows, or between two words of what is skipped."""

    source: int = 0
    """Which file, of those that hold text, counted from 0."""
    offset: int = 0
    table: str = ""
    row: int = 0
    """Rows of that table read so far, over all its statements."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The order of a table's columns, and how it is known."""

    columns: tuple[str, ...]
    charset: str = ""
    found: str = ""
    source: int = 0
    """Which text defined it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How the bytes at a position are meant, as the statements before it have said."""

    charset: str = ""
    no_backslash: bool = False
    delimiter: str = ";"
    database: str = ""
    mode: str = "between"
    """`between` statements, in the `rows` of one, or on the way to the end of one that is to `skip`."""
    table: str = ""
    columns: tuple[str, ...] | None = None
    """Of the INSERT whose rows are being read; None: its first row will tell."""
    found: str = ""
    begun: bool = False
    """Whether the file has shown a statement of SQL."""
    completion: str = ""
    """`expected` once a tool has said its name that writes a last line, `seen` after that line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """One set of tables of one product: database, prefix, and the file it began in."""

    database: str
    prefix: str
    source: int

    @property
    def key(self) -> str:
        return f"{self.source}:{self.database}:{self.prefix}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """
    How far the reading of a dump has come, and what it found; JSON-able, and enough to go on from.

    Its `segments` are the blocks that count: what was spilled after the last known checkpoint is ignored, and
    written again under the same names or others.
    """

    files: tuple[str, ...]
    """The dump's files and their sizes, to notice that it is another one."""
    partitions: int
    """Into how many parts the tickets are laid; `tickets` is called for each, from 0."""
    bytes_total: int
    """As stored; of what lies in a zip, unpacked."""
    bytes_done: int = 0
    position: Position = Position()
    manner: Manner = Manner()
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    """As tables are defined, by installation and table."""
    used: Mapping[str, Layout] = field(default_factory=dict)
    """As their rows were read."""
    installations: tuple[Installation, ...] = ()
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Installation → table → rows read."""
    tables_skipped: tuple[str, ...] = ()
    """The first tables seen that nobody wants: they tell what a dump of another product is."""
    segments: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    """Blocks of messages laid into the partition of the ticket they were merged into."""
    moved: int = 0
    """Partitions that have been looked through for them."""
    read: bool = False
    """Whether every file has been read; what remains is to bring merged tickets together."""
    finished: bool = False
    chosen: str = ""
    """The installation whose tickets count; known when `finished`."""
    problems: tuple[Problem, ...] = ()
    """The first hundred."""
    problems_count: int = 0
    truncations: tuple[Problem, ...] = ()
    unended: bool = False
    """Whether a file ends between two statements, and without the last line that its tool writes."""
    malformed: int = 0
    """Rows that could not be read."""
    charsets: Mapping[str, int] = field(default_factory=dict)
    """What the dump says of its own letters: name → rows."""

    @property
    def truncated_at(self) -> int | None:
        """Where the first file that is cut off ends, in its text; None when all are whole."""
        return self.truncations[0].offset if self.truncations else None

    @property
    def whole(self) -> bool:
        """Whether nothing speaks for it that tables or rows are missing."""
        return not self.truncations and not self.unended

    def as_checkpoint(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """From `as_checkpoint`, also after a journey as JSON."""
        kept = {one.name: value[one.name] for one in fields(cls) if one.name in value}
        manner = dict(kept["manner"])
        if manner["columns"] is not None:
            manner["columns"] = tuple(manner["columns"])
        kept |= {
            "files": tuple(kept["files"]),
            "position": Position(**kept["position"]),
            "manner": Manner(**manner),
            "layouts": _layouts(kept["layouts"]),
            "used": _layouts(kept["used"]),
            "installations": tuple(Installation(**one) for one in kept["installations"]),
            "problems": tuple(Problem(**one) for one in kept["problems"]),
            "truncations": tuple(Problem(**one) for one in kept["truncations"]),
        }
        for name in ("segments", "moves", "tables_skipped"):
            kept[name] = tuple(kept[name])
        return cls(**kept)

    def noting(self, problem: Problem) -> Self:
        kept = self.problems if len(self.problems) >= PROBLEMS_KEPT else (*self.problems, problem)
        return replace(self, problems=kept, problems_count=self.problems_count + 1)


def _layouts(value: Mapping[str, Any]) -> dict[str, Layout]:
    return {name: Layout(**(one | {"columns": tuple(one["columns"])})) for name, one in value.items()}


@dataclass(kw_only=True, slots=True)
class Tally:
    """
    What came of the rows when tickets were joined. Tallies of partitions add up to that of the dump.

    A partition's is complete when its tickets have been taken to the last.
    """

    tickets: int = 0
    replies: int = 0
    """Messages of the tickets told, their first ones left out, those of merged tickets counted."""
    merged: int = 0
    """Tickets that became part of another one."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason → how many."""
    encodings: dict[str, int] = field(default_factory=dict)
    """How texts that are not ASCII were read → how many."""
    documents: int = 0

    def skip(self, reason: str, count: int = 1) -> None:
        if count:
            self.skipped[reason] = self.skipped.get(reason, 0) + count

    def add(self, other: "Tally") -> None:
        self.tickets += other.tickets
        self.replies += other.replies
        self.merged += other.merged
        self.documents += other.documents
        for mine, theirs in ((self.skipped, other.skipped), (self.encodings, other.encodings)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Tally":
        return cls(**{**value, "skipped": dict(value["skipped"]), "encodings": dict(value["encodings"])})
