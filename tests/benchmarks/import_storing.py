"""Import storing: a dump's tickets into the embedded AWS by the real adapters, and read back from there."""

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from candor.adapters.dynamodb_tickets import DynamoTickets
from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_folds import MemoryFolds
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.s3 import S3Objects
from candor.adapters.sqlite_tickets import SqliteTicketDirectory
from candor.importing.run import STEP
from candor.tickets.folding import Folding
from candor.tickets.keeping import Keeping
from candor.tickets.learning import Learning
from candor.tickets.succession import draft_of, prepared
from candor.tickets.values import Ticket, TicketDraft, Wanted
from infra.java import free_port
from tests.doubles import aws
from tests.doubles.tables import create_table

_SAY_SECONDS = 5.0
_KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass(frozen=True, kw_only=True)
class Stored:
    tickets: int
    seconds: float
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
        url = running.enter_context(aws.ministack(folder, port=free_port(9880, 9899)))
        running.enter_context(patch.dict(os.environ, {**_KEYS, "AWS_ENDPOINT_URL": url}))
        objects = S3Objects(aws.create_bucket())
        tickets = DynamoTickets(create_table("TicketsTable"), objects=objects)
        directory = SqliteTicketDirectory(folder / "store")
        learning = Learning(
            tickets=tickets,
            documents=MemoryDocuments(jobs=MemoryJobs(), changed=lambda _: None),
            folding=Folding(MemoryFolds()),
        )
        keeping = Keeping(tickets=tickets, directory=directory, learning=learning)
        count, seconds = _keep(keeping, drafts, len(truth))
        _, repeated = _keep(keeping, again, len(truth))
        differences = abs(directory.count(Wanted()) - len(truth)) + _differences(tickets, truth)
        return Stored(tickets=count, seconds=seconds, again_seconds=repeated, differences=differences)


def _keep(keeping: Keeping, drafts: Iterable[TicketDraft], expected: int) -> tuple[int, float]:
    waiting, count = iter(drafts), 0
    begun = told = time.monotonic()
    spent = 0.0
    while step := list(islice(waiting, STEP)):
        started = time.monotonic()
        keeping.keep(step)
        spent += time.monotonic() - started
        count += len(step)
        if time.monotonic() - told > _SAY_SECONDS:
            told = time.monotonic()
            left = (told - begun) / count * (expected - count)
            print(f"  stored {count:,} of {expected:,}, {count / spent:,.0f} a second, {left:.0f} s to go")
    return count, spent


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
