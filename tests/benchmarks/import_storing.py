"""Import storing: a dump's tickets into the embedded AWS by the real adapters, and read back from there."""

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from candor.adapters.cores import spread
from candor.adapters.dynamodb_tickets import DynamoTickets
from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_folds import MemoryFolds
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.s3 import S3Objects
from candor.adapters.sqlite_tickets import SqliteTicketDirectory
from candor.adapters.ticket_rows import item_of, packed
from candor.adapters.ticket_table import TicketTable, Write
from candor.importing.run import STEP
from candor.tickets.folding import Folding
from candor.tickets.keeping import SLICE, Keeping
from candor.tickets.learning import Learning
from candor.tickets.succession import draft_of, prepared, succession
from candor.tickets.values import Approval, Talk, Ticket, TicketDraft, Wanted
from tests.doubles import aws
from tests.doubles.tables import create_table
from tests.ports import free_port

_SAY_SECONDS = 5.0
_KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


ON_DEMAND: Final = 4_000
"""Write units a second that a new on-demand table of DynamoDB takes at first, by AWS's documentation."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    tickets: int
    seconds: float
    alone_seconds: float
    """The same rows, ready made, read and written in the same requests, and nothing else."""
    units: float
    """Write units of DynamoDB that these rows and their places in indexes take, by its rules of pricing."""
    again_seconds: float
    """The same once more: nothing changes."""
    differences: int
    """Rows that are not as the truth has them, that are missing, or too many; also in the directory."""


def as_stored(draft: TicketDraft) -> str:
    """The checksum of the row that this ticket becomes."""
    return prepared(replace(draft, external_id=draft.external_id or draft.number)).checksum


def stored(drafts: Iterable[TicketDraft], again: Iterable[TicketDraft], truth: Mapping[str, str]) -> Stored:
    """`truth`: `as_stored` by number. The clock's time: a table is waited for, not computed."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        url = running.enter_context(aws.ministack(folder, port=free_port()))
        running.enter_context(patch.dict(os.environ, {**_KEYS, "AWS_ENDPOINT_URL": url}))
        objects = S3Objects(aws.create_bucket())
        tickets = DynamoTickets(create_table("TicketsTable"), objects=objects)
        directory = SqliteTicketDirectory(folder / "store")
        learning = Learning(
            tickets=tickets,
            documents=MemoryDocuments(jobs=MemoryJobs(), changed=lambda _: None),
            folding=Folding(MemoryFolds()),
        )
        keeping = Keeping(
            tickets=tickets, directory=directory, learning=learning, spread=partial(spread, spare=1)
        )
        alone = _Alone(create_table("TicketsTable"))
        count, seconds, alone_seconds = _keep(keeping, drafts, len(truth), alone)
        _, repeated, _ = _keep(keeping, again, len(truth))
        differences = abs(directory.count(Wanted()) - len(truth)) + _differences(tickets, truth)
        return Stored(
            tickets=count,
            seconds=seconds,
            alone_seconds=alone_seconds,
            units=alone.units,
            again_seconds=repeated,
            differences=differences,
        )


class _Alone:
    """The table without us: what `DynamoTickets` asks of it, of rows that are ready made."""

    def __init__(self, name: str) -> None:
        self._table = TicketTable(name, clock=lambda: datetime.now(UTC), writers=4)
        indexes = self._table.client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
        self._indexes = [{key["AttributeName"] for key in index["KeySchema"]} for index in indexes]
        self.units = 0.0

    def seconds(self, step: Sequence[TicketDraft]) -> float:
        rows = [_row(draft) for draft in step]
        self.units += sum(self._units(row.item) for row in rows)
        parts = [rows[start : start + SLICE] for start in range(0, len(rows), SLICE)]
        started = time.monotonic()
        with ThreadPoolExecutor(max_workers=2) as pool:
            written = sum(map(len, pool.map(self._write, parts)))
        spent = time.monotonic() - started
        assert written == len(step)
        return spent

    def _units(self, item: Mapping[str, Any]) -> int:
        """Two for each KB of a row in a transaction; an index of keys alone takes one."""
        size = sum(len(name.encode()) + _bytes(value) for name, value in item.items())
        return 2 * -(-size // 1024) + sum(keys <= item.keys() for keys in self._indexes)

    def _write(self, rows: Sequence[Write]) -> Sequence[Write]:
        self._table.items([row.ticket.ticket_id for row in rows], whole=True)
        return self._table.commit(rows)


def _bytes(value: Mapping[str, Any]) -> int:
    ((_, held),) = value.items()
    return len(held if isinstance(held, bytes) else str(held).encode())


def _row(draft: TicketDraft) -> Write:
    ticket, talk, change = succession(
        None,
        lambda: Talk(description=""),
        prepared(draft),
        approval=Approval.PENDING,
        now=datetime.now(UTC),
    )
    assert talk is not None
    body = packed(talk)
    return Write(ticket=ticket, change=change, item={**item_of(ticket), "body": {"B": body}}, size=len(body))


def _keep(
    keeping: Keeping, drafts: Iterable[TicketDraft], expected: int, alone: _Alone | None = None
) -> tuple[int, float, float]:
    """How many, in how many seconds, and in how many the table alone, which has its turn after each step."""
    waiting, count = iter(drafts), 0
    begun = told = time.monotonic()
    spent = spent_alone = 0.0
    while step := list(islice(waiting, STEP)):
        started = time.monotonic()
        keeping.keep(step)
        spent += time.monotonic() - started
        spent_alone += alone.seconds(step) if alone else 0.0
        count += len(step)
        if time.monotonic() - told > _SAY_SECONDS:
            told = time.monotonic()
            left = (told - begun) / count * (expected - count)
            print(f"  stored {count:,} of {expected:,}, {count / spent:,.0f} a second, {left:.0f} s to go")
    return count, spent, spent_alone


def _differences(tickets: DynamoTickets, truth: Mapping[str, str]) -> int:
    left = dict(truth)
    wrong = 0
    for step in _pages(tickets):
        for ticket in step:
            draft = draft_of(ticket, tickets.talk(ticket))
            wrong += left.pop(ticket.number, "") != draft.checksum
    return wrong + len(left)


def _pages(tickets: DynamoTickets) -> Iterator[Sequence[Ticket]]:
    after = ""
    while page := tickets.after(after, limit=500):
        yield page
        after = page[-1].ticket_id
