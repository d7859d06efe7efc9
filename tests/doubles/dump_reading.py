"""A dump from bytes to tickets, as an import reads it, without storing anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from candor.adapters.dump_files import FolderDump
from candor.adapters.spills import MemorySpill
from candor.documents import Draft
from candor.tickets.values import TicketDraft
from candor.whmcs import dumps

TICKET_COLUMNS = (
    "id,tid,did,userid,name,email,date,title,message,status,urgency,admin,attachment,lastreply,"
    "merged_ticket_id"
)
REPLY_COLUMNS = "id,tid,userid,name,email,date,message,admin,attachment,rating"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Everything that came of a dump."""

    tickets: list[TicketDraft]
    documents: list[Draft]
    report: dumps.Report
    scan: dumps.Scan
    spilled: bytes

    @property
    def descriptions(self) -> list[str]:
        return [ticket.description for ticket in self.tickets]

    @property
    def sentences(self) -> str:
        return "\n".join(problem["sentence"] for problem in self.report.problems)


def read_paths(
    paths: Sequence[Path],
    options: dumps.Options | None = None,
    *,
    segment_bytes: int = 1 << 20,
) -> Outcome:
    options = options or dumps.Options()
    spill = MemorySpill()
    scan = dumps.scan(FolderDump(paths), spill, options, segment_bytes=segment_bytes)
    tally = dumps.Tally()
    found = [
        draft
        for partition in range(scan.partitions)
        for draft in dumps.tickets(scan, spill, partition, options, tally=tally)
    ]
    documents = list(dumps.documents(scan, spill, options, tally=tally))
    return Outcome(
        tickets=sorted(found, key=lambda draft: int(draft.number)),
        documents=documents,
        report=dumps.report(scan, tally),
        scan=scan,
        spilled=b"\n".join(spill.blocks.values()),
    )


def read_texts(folder: Path, *bodies: str | bytes, names: Sequence[str] = (), **options: object) -> Outcome:
    """The same of files with these contents."""
    paths = []
    for place, body in enumerate(bodies):
        path = folder / (names[place] if names else f"dump{place}.sql")
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
        paths.append(path)
    return read_paths(paths, dumps.Options(**options))  # type: ignore[arg-type]


def ticket(
    number: int,
    message: str = "hello",
    *,
    title: str = "a title",
    status: str = "Open",
    department: int = 1,
    merged: int = 0,
    date: str = "2024-01-02 03:04:05",
    admin: str = "",
    attachment: str = "",
) -> str:
    """A ticket's values as SQL; texts are taken as they are, between quotes."""
    return (
        f"({number},'T-{number}',{department},0,'Nora','nora@example.com','{date}','{title}',"
        f"'{message}','{status}',"
        f"'Low','{admin}','{attachment}','{date}',{merged})"
    )


def reply(
    number: int, of: int, message: str = "an answer", *, admin: str = "", date: str = "2024-01-02 04:00:00"
) -> str:
    return f"({number},{of},0,'Nora','nora@example.com','{date}','{message}','{admin}','',0)"


def tickets_sql(*rows: str, table: str = "tbltickets") -> str:
    return f"INSERT INTO {table} ({TICKET_COLUMNS}) VALUES {','.join(rows)};\n"


def replies_sql(*rows: str, table: str = "tblticketreplies") -> str:
    return f"INSERT INTO {table} ({REPLY_COLUMNS}) VALUES {','.join(rows)};\n"
