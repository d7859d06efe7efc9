"""Joining: rows of one partition become tickets with their replies, names and merged tickets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final

from candor.errors import Invalid
from candor.redaction import mask_cards
from candor.tickets.values import Message, Role, TicketDraft
from candor.whmcs.dumps.layouts import REPLIES, TICKETS, columns
from candor.whmcs.dumps.moving import Merges
from candor.whmcs.dumps.naming import Asked, Names
from candor.whmcs.dumps.spilling import partition_sections
from candor.whmcs.dumps.texts import attachments, moment, records, written
from candor.whmcs.dumps.values import Options, Scan, Spill, Tally

_TICKET: Final = columns(
    "id tid did userid contactid requestor_id name email date title message status urgency admin attachment "
    "lastreply service editor updated_at"
)
_REPLY: Final = columns(
    "id tid userid contactid requestor_id name email date message admin attachment rating editor"
)

_STAFF: Final = Role.STAFF
_CUSTOMER: Final = Role.CUSTOMER
_RATINGS: Final = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5}

Row = tuple[str, ...]
Told = tuple[Row, bool]
"""A row, and whether a card number may be in it."""


@dataclass(kw_only=True, slots=True)
class _Rows:
    """A partition in memory: tickets and replies by number, so that one told twice counts once."""

    tickets: dict[int, Told]
    replies: dict[int, dict[str, Told]]
    asked: Asked
    """Whom the rows know by number, those too who are named beside it: that is cheaper than to look."""
    twice: int = 0


def tickets(
    scan: Scan,
    spill: Spill,
    partition: int,
    options: Options,
    *,
    tally: Tally | None = None,
    source_file: str = "",
) -> Iterator[TicketDraft]:
    """
    The tickets of one partition, by number; cards are masked, everything else is as it was written.

    `tally` is told what came of the rows, when the last ticket has been taken.
    """
    if not scan.finished:
        raise Invalid("The dump has not been read to its end yet.")
    tally = tally if tally is not None else Tally()
    merges = Merges(scan, spill)
    rows = _rows(scan, spill, partition, tally)
    names = Names(scan, spill, rows.asked)
    wanted = _filter(options, names, tally)
    children: dict[int, list[int]] = {}
    for number in merges.among(rows.tickets):
        if merges.elsewhere(number, partition):
            del rows.tickets[number]
            rows.replies.pop(number, None)
    for number in merges.among(rows.tickets):
        master = merges.master(number, rows.tickets)
        if master != number:
            children.setdefault(master, []).append(number)
    merged = {child for some in children.values() for child in some}
    orphans = sum(len(some) for number, some in rows.replies.items() if number not in rows.tickets)
    tally.skip("replies whose ticket is not in the dump", orphans)
    tally.skip("rows that came twice", rows.twice)
    for number in sorted(rows.tickets):
        if number in merged:
            continue
        draft = _draft(rows, names, number, sorted(children.get(number, ())), options, source_file)
        if wanted(draft, rows.tickets[number][0]):
            tally.tickets += 1
            tally.replies += len(draft.replies)
            tally.merged += len(draft.merged)
            yield draft


def _rows(scan: Scan, spill: Spill, partition: int, tally: Tally) -> _Rows:
    found = _Rows(tickets={}, replies={}, asked=Asked())
    mine, theirs = found.tickets, found.replies
    for section in partition_sections(scan, spill, partition):
        if section.table == TICKETS:
            every = list(records(section, _TICKET, tally, entities=True))
            rows = [told for told in every if told[0][0]]
            tally.skip("tickets without a number", len(every) - len(rows))
            before = len(mine)
            mine.update((int(told[0][0]), told) for told in rows)
            found.twice += before + len(rows) - len(mine)
            found.asked.add(row[3:6] for row, _ in rows)
        elif section.table == REPLIES:
            rows = list(records(section, _REPLY, tally, entities=True))
            for told in rows:
                key, number, *_ = told[0]
                some = theirs.get(int(number or 0))
                if some is None:
                    theirs[int(number or 0)] = {key: told}
                else:
                    found.twice += key in some
                    some[key] = told
            found.asked.add(row[2:5] for row, _ in rows)
    return found


def _draft(
    rows: _Rows, names: Names, number: int, children: Sequence[int], options: Options, source_file: str
) -> TicketDraft:
    row, card = rows.tickets[number]
    messages = (
        _with_merged(rows, names, number, children) if children else _replies(rows.replies.get(number), names)
    )
    name, email = row[6], row[7]
    if not (name and email):
        known = names.of(row[3], row[4], row[5])
        name, email = name or known[0], email or known[1]
    key = str(number)
    description = written(row[10], row[17])
    return TicketDraft(
        number=key,
        external_id=key,
        tid=row[1],
        subject=mask_cards(row[9].strip()) if card else row[9].strip(),
        description=mask_cards(description) if card else description,
        opened_by=Role.STAFF if row[13].strip() else Role.CUSTOMER,
        attachments=_files(row[14], card) if row[14] else (),
        replies=tuple([one for one in messages if one.content or one.attachments]),
        status=row[11],
        priority=row[12],
        department=names.department(row[2]),
        client_id="" if row[3] == "0" else row[3],
        email=email,
        name=mask_cards(name) if card else name,
        opened_at=moment(row[8]),
        last_reply_at=moment(row[15]),
        merged=tuple(map(str, children)),
        source_file=source_file,
        detail_url=detail_url(options.base_url, key),
        metadata=_metadata(row, [rows.tickets[child][0] for child in children] if children else ()),
    )


def _replies(said: Mapping[str, Told] | None, names: Names) -> list[Message]:
    if not said:
        return []
    if len(said) == 1:
        [(row, card)] = said.values()
        return [_reply(row, card, names)]
    return [_reply(row, card, names) for row, card in sorted(said.values(), key=_by_date)]


def _by_date(told: Told) -> tuple[str, int]:
    row = told[0]
    return row[7], int(row[0] or 0)


def _with_merged(rows: _Rows, names: Names, number: int, children: Sequence[int]) -> list[Message]:
    """Its replies, and all that was said in the tickets that were merged into it."""
    messages: list[tuple[str, int, int, Message]] = []
    for one in (number, *children):
        if one != number:
            row, card = rows.tickets[one]
            messages.append((row[8], 0, one, _first(row, card, names)))
        for row, card in rows.replies.get(one, {}).values():
            messages.append((row[7], 1, int(row[0] or 0), _reply(row, card, names)))
    messages.sort(key=itemgetter(0, 1, 2))
    return [message for *_, message in messages]


def detail_url(base_url: str, number: str) -> str:
    """Where staff read the ticket; the client's own address would need an access key, which is never read."""
    return f"{base_url.rstrip('/')}/admin/supporttickets.php?action=view&id={number}" if base_url else ""


def _metadata(row: Row, children: Sequence[Row]) -> dict[str, str]:
    found = {"department_id": row[2]}
    if opened_by := row[13].strip():
        found["opened_by_name"] = opened_by
    found["service"] = row[16]
    if children:
        found["merged_tids"] = ", ".join(one[1] for one in children)
        found["merged_subjects"] = "\n".join(
            dict.fromkeys(mask_cards(one[9].strip()) for one in children if one[9].strip() != row[9].strip())
        )
    return {name: value for name, value in found.items() if value not in ("", "0")}


def _reply(row: Row, card: bool, names: Names) -> Message:
    _, _, client, contact, user, name, _, date, text, staff, files, rating, editor, *_ = row
    content, staff = written(text, editor), staff.strip()
    name = staff or name or names.of(client, contact, user)[0]
    if card:
        content, name, files = mask_cards(content), mask_cards(name), mask_cards(files)
    return Message(
        role=_STAFF if staff else _CUSTOMER,
        content=content,
        name=name,
        posted=moment(date),
        attachments=attachments(files) if files else (),
        rating=_RATINGS.get(rating),
    )


def _first(row: Row, card: bool, names: Names) -> Message:
    """A merged ticket's own message."""
    content = written(row[10], row[17])
    staff = row[13].strip()
    name = staff or row[6] or names.of(row[3], row[4], row[5])[0]
    return Message(
        role=Role.STAFF if staff else Role.CUSTOMER,
        content=mask_cards(content) if card else content,
        name=mask_cards(name) if card else name,
        posted=moment(row[8]),
        attachments=_files(row[14], card),
    )


def _files(text: str, card: bool) -> tuple[str, ...]:
    return attachments(mask_cards(text) if card else text)


def _filter(options: Options, names: Names, tally: Tally) -> Callable[[TicketDraft, Row], bool]:
    departments = {one.strip().casefold() for one in options.departments}
    statuses = {one.strip().casefold() for one in options.statuses}
    since = options.since
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)

    def wanted(draft: TicketDraft, row: Row) -> bool:
        if departments and not {draft.department.casefold(), row[2]} & departments:
            tally.skip("of another department")
        elif statuses and draft.status.casefold() not in statuses:
            tally.skip("of another status")
        elif since is not None and _changed(draft, row) < since:
            tally.skip("not changed since")
        else:
            return True
        return False

    return wanted


def _changed(draft: TicketDraft, row: Row) -> datetime:
    known: list[datetime | None] = [draft.opened_at, draft.last_reply_at, moment(row[18])]
    known += [message.posted for message in draft.replies]
    return max((one for one in known if one is not None), default=datetime.min.replace(tzinfo=UTC))
