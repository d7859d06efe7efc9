"""
Writers of the embedded directory of tickets, for tests that kill them: `ticket_processes.py FOLDER SEED`.

Puts versions of the tickets that are its own, some at once, removes some, and prints `number version` (0: it
was removed) when that has returned. Each version has a word of its own and one that all have.
"""

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from candor.adapters.sqlite_tickets import SqliteTicketDirectory
from candor.tickets.store import Entry
from candor.tickets.values import Approval, ticket_id_of

TICKETS = 40
WRITERS = 3
STATUSES = ("open", "closed")


def entry_of(number: int, version: int) -> Entry:
    return Entry(
        ticket_id=ticket_id_of("whmcs", str(number)),
        version=version,
        words=f"common own{number}x{version} " + " ".join(f"word{version}y{n}" for n in range(60)),
        status=STATUSES[version % 2],
        approval=Approval.PENDING,
        department="",
        helpdesk="whmcs",
        source_file="",
        worth=version % 101,
        created_at=datetime(2026, 1, 1 + version % 3, tzinfo=UTC) + timedelta(minutes=number),
        revision=version,
    )


def write(folder: Path, seed: str) -> None:
    rng = random.Random(seed)
    own = [number for number in range(TICKETS) if number % WRITERS == int(seed.split("-")[0])]
    directory = SqliteTicketDirectory(folder)
    version = int(seed.split("-")[1]) * 1_000_000
    while True:
        some = rng.sample(own, rng.randint(1, 6))
        version += 1
        if rng.random() < 0.15:
            directory.remove([ticket_id_of("whmcs", str(number)) for number in some])
            told = 0
        else:
            directory.put([entry_of(number, version) for number in some])
            told = version
        sys.stdout.write("".join(f"{number} {told}\n" for number in some))
        sys.stdout.flush()


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])
