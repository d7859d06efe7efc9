"""The embedded directory of tickets in several processes at once, some of them killed."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from candor.adapters.sqlite_tickets import SqliteTicketDirectory
from candor.tickets.values import Order, Wanted, ticket_id_of
from tests.integration.ticket_processes import STATUSES, TICKETS, WRITERS

_SCRIPT = Path(__file__).with_name("ticket_processes.py")
_ROOT = _SCRIPT.parents[2]


def started(folder: Path, seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "layers" / "core"), str(_ROOT)])}
    command = [sys.executable, str(_SCRIPT), str(folder), seed]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def ended(writer: subprocess.Popen[str], heard: str) -> dict[int, int]:
    """The last thing it said of each ticket; a line cut by the kill does not count."""
    assert writer.stdout is not None
    writer.kill()
    output = heard + writer.stdout.read()
    _, errors = writer.communicate()
    assert not errors, errors
    lines = output[: output.rfind("\n") + 1].splitlines()
    return {int(line.split()[0]): int(line.split()[1]) for line in lines}


def _heard(writer: subprocess.Popen[str], lines: int) -> str:
    assert writer.stdout is not None
    return "".join(writer.stdout.readline() for _ in range(lines))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_writers_leave_a_directory_that_agrees_with_itself_and_with_what_they_said(
    tmp_path: Path,
) -> None:
    rng = random.Random(7)
    said: dict[int, int] = {}

    for turn in range(1, 6):
        # The first turn: all of them make the file at the same moment.
        writers = [started(tmp_path, f"{writer}-{turn}") for writer in range(WRITERS)]
        # Each has said so much, however long that takes here; then they are killed anywhere in what follows.
        heard = [_heard(writer, rng.randrange(30, 60)) for writer in writers]
        time.sleep(rng.uniform(0.0, 0.2))
        for writer, lines in zip(writers, heard, strict=True):
            said |= ended(writer, lines)

    directory = SqliteTicketDirectory(tmp_path)
    held = {ticket_id: version for ticket_id, version, _ in directory.entries_after("", limit=1_000)}
    assert len(said) == TICKETS
    for number, version in said.items():
        # A kill may fall between the commit and its being said: then it is a later one.
        assert held.get(ticket_id_of("whmcs", str(number)), version) >= version
        if version and ticket_id_of("whmcs", str(number)) in held:
            found = held[ticket_id_of("whmcs", str(number))]
            assert directory.count(Wanted(text=f"own{number}x{found}")) == 1
            assert directory.count(Wanted(text=f"word{found}y59")) >= 1
    assert directory.count(Wanted()) == directory.count(Wanted(text="common")) == len(held)
    assert sum(directory.count(Wanted(text="own", status=status)) for status in STATUSES) == len(held)
    for order in Order:
        ids, _ = directory.page(Wanted(), page=1, page_size=100, order=order)
        assert set(ids) == set(held)
    directory.close()
