"""
Tickets in DynamoDB: one row a ticket, its messages compressed beside it or, when large, in the bucket.

| index | hash | range | holds |
|---|---|---|---|
| table | ticket_id | | everything |
| by_external_id | external_id | created_at | keys |
| by_tid | tid | created_at | keys; only rows that have a public number |
| by_source | source_shard, `<source_file>#<0..63>` | ticket_id | keys; only rows that came from somewhere |

Every write of a whole row names the `revision` it was made from: of an import and a decision at the same
moment the later one begins again, and both count. What differs is written a hundred rows in one transaction:
ten requests where a thousand conditional puts would be a thousand. A transaction costs twice the write units.
"""

import itertools
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from candor.adapters.dynamodb import translated
from candor.adapters.ticket_rows import (
    ALL_BUT_BODY,
    SOURCE_SHARDS,
    Item,
    item_of,
    old_texts,
    packed,
    source_shard,
    talk_from,
    ticket_from,
)
from candor.adapters.ticket_table import AT_ONCE, ATTEMPTS, TicketTable, Write, groups_of, key_of, projected
from candor.documents import Change
from candor.errors import NotFound, Unavailable
from candor.objects import TALKS_PREFIX, Objects
from candor.tickets.succession import called, succession, together
from candor.tickets.values import Approval, Talk, Ticket, TicketDraft

MAX_INLINE: Final = 100 * 1024
"""Bytes of compressed text kept in the row."""


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoTickets:
    """`Tickets` in one table; large talks lie in `objects`. Over moto, which loses writes, `writers` is 1."""

    def __init__(
        self,
        table_name: str,
        *,
        objects: Objects,
        clock: Callable[[], datetime] = _now,
        writers: int = 4,
    ) -> None:
        self._table = TicketTable(table_name, clock=clock, writers=writers)
        self._objects = objects
        self._clock = clock

    def put(
        self, drafts: Sequence[TicketDraft], *, approval: Approval = Approval.PENDING
    ) -> Sequence[tuple[Ticket, Change]]:
        ids, whole = together(drafts)
        done: dict[str, tuple[Ticket, Change]] = {}
        waiting = whole
        for attempt in range(ATTEMPTS):
            if not waiting:
                break
            if attempt:
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))  # noqa: S311 - spreads retries
            found = self._table.items(list(waiting), whole=True)
            writes = []
            for ticket_id, draft in waiting.items():
                write = self._write_of(found.get(ticket_id), draft, approval)
                if isinstance(write, Write):
                    writes.append(write)
                else:
                    done[ticket_id] = (write, Change.UNCHANGED)
            # After the first attempt one by one: a row that somebody else is writing holds up no other.
            written = self._write(writes, together=attempt == 0)
            done |= {write.ticket.ticket_id: (write.ticket, write.change) for write in written}
            waiting = {ticket_id: draft for ticket_id, draft in waiting.items() if ticket_id not in done}
        if waiting:
            raise Unavailable("Too many writers are changing these tickets at once.")
        return [done[ticket_id] for ticket_id in ids]

    def get(self, ticket_id: str) -> Ticket:
        found = self.some([ticket_id])
        if not found:
            raise NotFound("There is no such ticket.")
        return found[0]

    def find(self, reference: str) -> Ticket:
        name = called(reference)
        found = self.some([name]) or (name and self._named("by_external_id", "external_id", name, limit=5))
        if not found:
            raise NotFound("There is no such ticket.")
        return found[0]

    def some(self, ticket_ids: Sequence[str]) -> Sequence[Ticket]:
        items = self._table.items([one for one in dict.fromkeys(ticket_ids) if one])
        return [ticket_from(items[ticket_id]) for ticket_id in ticket_ids if ticket_id in items]

    def with_tid(self, tid: str) -> Sequence[Ticket]:
        name = called(tid)
        return self._named("by_tid", "tid", name, limit=AT_ONCE) if name else []

    def talk(self, ticket: Ticket) -> Talk:
        with translated():
            answer = self._table.client.get_item(
                TableName=self._table.name,
                Key=key_of(ticket.ticket_id),
                ConsistentRead=True,
                ProjectionExpression="version, body, body_key",
            )
        item = answer.get("Item")
        if not item or int(item["version"]["N"]) != ticket.version:
            raise NotFound("That version has been replaced.")
        return self._talk(item)

    def decide(self, ticket_id: str, approval: Approval, *, by: str) -> tuple[Ticket, bool]:
        after = self._table.update(
            ticket_id,
            "SET approval = :approval, decided_by = :by, updated_at = :now ADD revision :one",
            "attribute_exists(ticket_id) AND approval <> :approval",
            {":approval": {"S": approval.value}, ":by": {"S": by}},
        )
        return (after, True) if after else (self.get(ticket_id), False)

    def decide_all(
        self, ticket_ids: Sequence[str], approval: Approval, *, by: str
    ) -> Sequence[tuple[Ticket, bool]]:
        def decide(ticket_id: str) -> tuple[Ticket, bool] | None:
            try:
                return self.decide(ticket_id, approval, by=by)
            except NotFound:
                return None

        decided = self._table.each(decide, [one for one in dict.fromkeys(ticket_ids) if one])
        return [one for one in decided if one is not None]

    def withdraw(self, ticket_ids: Sequence[str], *, source_file: str | None = None) -> Sequence[str]:
        condition = "attribute_exists(ticket_id) AND attribute_not_exists(withdrawn)"
        values: dict[str, dict[str, Any]] = {":yes": {"BOOL": True}}
        if source_file is not None:
            condition += " AND source_file = :source"
            values[":source"] = {"S": source_file}

        def withdraw(ticket_id: str) -> Ticket | None:
            what = "SET withdrawn = :yes, updated_at = :now ADD revision :one"
            return self._table.update(ticket_id, what, condition, values)

        gone = self._table.each(withdraw, [one for one in dict.fromkeys(ticket_ids) if one])
        return [ticket.ticket_id for ticket in gone if ticket is not None]

    def of_source(self, source_file: str) -> Iterator[str]:
        if not source_file:
            return
        for shard in range(SOURCE_SHARDS):
            yield from self._table.query("by_source", "source_shard", source_shard(source_file, shard))

    def delete(self, ticket_id: str) -> None:
        with translated():
            answer = self._table.client.delete_item(
                TableName=self._table.name, Key=key_of(ticket_id), ReturnValues="ALL_OLD"
            )
        item = answer.get("Attributes")
        # Killed in between, it leaves objects that no row names: `schedules.expiring` clears them.
        self._objects.delete(*old_texts(item), *_body_keys(item))

    def after(self, ticket_id: str, *, limit: int) -> Sequence[Ticket]:
        start = {"ExclusiveStartKey": key_of(ticket_id)} if ticket_id else {}
        found: list[Item] = []
        while len(found) < limit:
            with translated():
                answer = self._table.client.scan(
                    TableName=self._table.name,
                    ConsistentRead=True,
                    Limit=limit - len(found),
                    **projected(ALL_BUT_BODY),
                    **start,
                )
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return [ticket_from(item) for item in found]

    def text_keys(self, ticket_id: str) -> frozenset[str]:
        """The objects in the bucket that the row names: its talk's, and what it will clear."""
        item = self._table.items([ticket_id]).get(ticket_id)
        return frozenset((*old_texts(item), *_body_keys(item)))

    def _write_of(self, item: Item | None, draft: TicketDraft, approval: Approval) -> "Write | Ticket":
        """The write that puts the draft; the row itself when there is nothing to write."""
        current = ticket_from(item) if item else None
        ticket, talk, change = succession(
            current, lambda: self._talk(item or {}), draft, approval=approval, now=self._clock()
        )
        if ticket is current:
            return ticket
        row = item_of(ticket)
        size, outdated = 2_000 + len(ticket.subject) + len(str(ticket.metadata)), ""
        if item and talk is None:
            row |= {name: dict(item[name]) for name in ("body", "body_key", "old_texts") if name in item}
            size += len(item["body"]["B"]) if "body" in item else 0
        elif talk is not None:
            body = packed(talk)
            if len(body) <= MAX_INLINE:
                row["body"] = {"B": body}
                size += len(body)
            else:
                # Never a key that was used before: whoever clears an old text must not meet a second write.
                key = f"{TALKS_PREFIX}{ticket.ticket_id}/{ticket.version}-{uuid.uuid4().hex}"
                self._objects.put(key, body)
                row["body_key"] = {"S": key}
            # What lay there before this row was read is gone already, unless its writer was killed.
            self._objects.delete(*old_texts(item))
            for outdated in _body_keys(item):
                row["old_texts"] = {"L": [{"S": outdated}]}
        return Write(ticket=ticket, change=change, item=row, size=size, outdated=outdated)

    def _write(self, writes: Sequence[Write], *, together: bool) -> list[Write]:
        """Those that were written; the others have to be made anew."""
        groups = groups_of(writes) if together else [[write] for write in writes]
        written = [write for group in self._table.each(self._table.commit, groups) for write in group]
        kept = {write.ticket.ticket_id for write in written}
        self._objects.delete(
            *(write.outdated for write in written if write.outdated),
            *(
                write.item["body_key"]["S"]
                for write in writes
                if write.ticket.ticket_id not in kept and write.change is not Change.UNCHANGED
                if "body_key" in write.item and write.item["body_key"]["S"] not in self._named_texts(write)
            ),
        )
        return written

    def _named_texts(self, write: Write) -> frozenset[str]:
        # A write whose answer was lost, and that was done: its text is in use.
        return self.text_keys(write.ticket.ticket_id)

    def _named(self, index: str, attribute: str, name: str, *, limit: int) -> Sequence[Ticket]:
        """Rows by another name, the newest first. An index may be a moment behind; the rows are not."""
        ids = itertools.islice(
            self._table.query(index, attribute, name, limit=limit, newest_first=True), limit
        )
        return [ticket for ticket in self.some(list(ids)) if getattr(ticket, attribute) == name]

    def _talk(self, item: Item) -> Talk:
        if "body" in item:
            return talk_from(item["body"]["B"])
        return talk_from(self._objects.read(item["body_key"]["S"]))


def _body_keys(item: Item | None) -> list[str]:
    return [item["body_key"]["S"]] if item and "body_key" in item else []
