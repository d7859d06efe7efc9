"""Shown: the tickets of a dump that was read here, as the API would show them, each in one line."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from infra.local.words import core


def joined(
    scan: Any, spill: Any, options: Any, *, source: str, approval: str, folder: Path, out: TextIO | None
) -> Any:
    """What came of the rows, over all partitions; their tickets are written to `out`, in the same order."""
    reading, spread = core("candor.whmcs.dumps"), core("candor.adapters.cores").spread
    if out is not None:
        # Once, before the work is parted, and not in each process again.
        _showing()

    def lines_of(partition: int) -> Path:
        return folder / f"tickets-{partition:03d}.jsonl"

    def work(partition: int) -> bytes:
        tally = reading.Tally()
        drafts = reading.tickets(scan, spill, partition, options, tally=tally, source_file=source)
        if out is None:
            for _ in drafts:
                pass
        else:
            with lines_of(partition).open("w", encoding="utf-8") as file:
                file.writelines(f"{_as_shown(draft, approval)}\n" for draft in drafts)
        return json.dumps(tally.as_dict()).encode()

    whole = reading.Tally()
    for partition, told in enumerate(spread(scan.partitions, work)):
        whole.add(reading.Tally.of(json.loads(told)))
        if out is not None:
            with lines_of(partition).open(encoding="utf-8") as file:
                shutil.copyfileobj(file, out, 1 << 20)
            lines_of(partition).unlink()
    return whole


def _showing() -> tuple[Any, Any, Any, Any]:
    return (
        core("candor.tickets.succession"),
        core("candor.tickets.values"),
        core("candor.tickets.worth"),
        core("candor.edge.models.tickets"),
    )


def _as_shown(draft: Any, approval: str) -> str:
    """A ticket as `GET /v1/tickets/{id}` shows it to an admin, in one line."""
    following, values, worth, models = _showing()
    draft = following.prepared(draft)
    ticket, talk, _ = following.succession(
        None,
        lambda: values.Talk(description=""),
        draft,
        approval=values.Approval(approval),
        now=datetime.now(UTC),
    )
    shown = models.TicketReply.of(ticket, talk, worth.worth_of(draft), decided_by=None)
    text: str = shown.model_dump_json()
    return text
