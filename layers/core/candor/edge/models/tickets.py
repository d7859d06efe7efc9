"""Tickets' models: lists, one whole, and what is decided about them."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from candor.edge.models import Body, Flag, Paging, Query, Reply, Words
from candor.edge.models.admin import AcceptedReply
from candor.jobs import Job
from candor.tickets.reviewing import AT_ONCE, Decided
from candor.tickets.values import Approval, Message, Order, Role, Talk, Ticket, Wanted
from candor.tickets.worth import Worth

_MOST_BYTES: Final = 5_300_000
"""A function's answer may have six million bytes, its quotation marks counted twice."""

_LEFT_OUT: Final = "[too long to be shown here]"

_Label = Annotated[str, Field(max_length=1_000)]


class TicketFilter(Body):
    status: _Label | None = None
    """As the helpdesk spells it, in any case: `Closed`."""
    approval_status: Approval | None = None
    q: Annotated[str, Field(max_length=500)] | None = None
    """Words of the subject or what was said, their beginnings, an address, a name, a number: all of them."""
    department: _Label | None = None
    helpdesk: _Label | None = None
    source_file: _Label | None = None

    def wanted(self) -> Wanted:
        return Wanted(
            status=self.status or "",
            approval=self.approval_status,
            text=self.q or "",
            department=self.department or "",
            helpdesk=self.helpdesk or "",
            source_file=self.source_file or "",
        )


class TicketsQuery(TicketFilter, Paging):
    sort: Literal["newest", "suggested"] = "newest"
    """`suggested`: what promises most as knowledge first."""

    @property
    def order(self) -> Order:
        return Order.WORTH if self.sort == "suggested" else Order.NEWEST


class ToFileQuery(Query):
    include_pii: Flag = False
    """Also e-mail, name and client id of each ticket; what was said is masked in any case."""


class ToFileReply(Reply):
    """The approved tickets as a file, which is there and complete."""

    status: Literal["ok"] = "ok"
    job_id: str
    path: str
    """`s3://<bucket>/<key>`"""
    count: int
    download_url: str
    """For 15 minutes, for anybody who has it."""


class SuggestionReply(Reply):
    """How much a ticket promises as knowledge."""

    score: int
    """0..100"""
    reasons: list[str] | None = None
    """Why, where one ticket is shown alone."""


class TicketSummary(Reply):
    id: str
    external_id: str
    """The helpdesk's own key."""
    subject: str
    description: str
    """Its first 500 letters."""
    status: str
    priority: str
    department: str
    client_id: str | None
    """This, `email`, `name` and `detail_url` are for administrators; so is the text as it was written."""
    email: str | None
    name: str | None
    approval_status: Approval
    metadata: dict[str, Any]
    """`tid`, the public number; `opened_by`; for administrators whatever else its source told."""
    source_file: str
    detail_url: str | None
    withdrawn: bool
    """Its file was taken away: it is no knowledge until it comes again."""
    merged: list[str]
    """Keys of the tickets that were joined to it."""
    messages: int
    suggestion: SuggestionReply
    created_at: str
    updated_at: str

    @classmethod
    def fields_of(cls, ticket: Ticket) -> dict[str, Any]:
        return {
            "id": ticket.ticket_id,
            "external_id": ticket.external_id,
            "subject": ticket.subject,
            "description": ticket.excerpt,
            "status": ticket.status,
            "priority": ticket.priority,
            "department": ticket.department,
            "client_id": ticket.client_id or None,
            "email": ticket.email or None,
            "name": ticket.name or None,
            "approval_status": ticket.approval,
            "metadata": {**ticket.metadata, "tid": ticket.tid, "opened_by": ticket.opened_by.value},
            "source_file": ticket.source_file,
            "detail_url": ticket.detail_url or None,
            "withdrawn": ticket.withdrawn,
            "merged": list(ticket.merged),
            "messages": ticket.messages,
            "suggestion": SuggestionReply(score=ticket.worth),
            "created_at": ticket.created_at.isoformat(),
            "updated_at": ticket.updated_at.isoformat(),
        }


class TicketReply(TicketSummary):
    """One ticket whole: `metadata.replies` holds its messages after the first, by date."""

    attachments: list[str]
    """Names of the files of the first message. The files themselves are never read."""
    decided_by: str | None
    """Who approved or rejected it last; for administrators."""
    complete: bool
    """False where what was said is more than one answer can hold: the longest messages are cut."""

    @classmethod
    def of(cls, ticket: Ticket, talk: Talk, worth: Worth, *, decided_by: str | None) -> Self:
        description, replies, complete = _fitting(talk)
        fields = cls.fields_of(ticket)
        return cls(
            **{
                **fields,
                "description": description,
                "metadata": {**fields["metadata"], "replies": replies},
                "suggestion": SuggestionReply(score=worth.score, reasons=list(worth.reasons)),
            },
            attachments=list(talk.attachments),
            decided_by=decided_by,
            complete=complete,
        )


class TicketsReply(Reply):
    items: list[TicketSummary]
    total: int
    page: int
    page_size: int

    @classmethod
    def of(cls, tickets: Sequence[Ticket], *, total: int, query: TicketsQuery) -> Self:
        rows = [TicketSummary.fields_of(ticket) for ticket in tickets]
        # What sources told beside the text may be large; a list shows the rest of it all the same.
        sizes = [_bytes(row["metadata"]) for row in rows]
        total_bytes = sum(_bytes(row) for row in rows)
        for place in sorted(range(len(rows)), key=lambda place: -sizes[place]):
            if total_bytes <= _MOST_BYTES:
                break
            told = rows[place]["metadata"]
            rows[place]["metadata"] = {name: told[name] for name in ("tid", "opened_by")} | {
                "others": _LEFT_OUT
            }
            total_bytes -= sizes[place]
        items = [TicketSummary(**row) for row in rows]
        return cls(items=items, total=total, page=query.page, page_size=query.page_size)


class ApprovalBody(Body):
    approval_status: Approval


class ApprovalReply(Reply):
    status: Literal["ok"] = "ok"
    approval_status: Approval


class FilterBody(TicketFilter):
    """Which tickets are meant. A misspelt name must not mean all of them."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.wanted() == Wanted():
            raise ValueError("name what is meant; approval_status=pending is all that nobody has reviewed")
        return self


class ApprovalsBody(ApprovalBody):
    ids: Annotated[
        list[Annotated[Words, Field(max_length=300)]] | None, Field(min_length=1, max_length=AT_ONCE)
    ] = None
    """Ids or external ids."""
    filter: FilterBody | None = None
    """All tickets that a list with this filter shows."""
    dry_run: bool = False
    """Decide nothing: only count what the filter means, or say what would come of each id."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("name tickets by ids, or by a filter")
        return self


class DecidedReply(Reply):
    id: str
    """As it was asked for."""
    status: Literal["ok", "not_found"]
    approval_status: Approval | None
    changed: bool


class DecisionsReply(Reply):
    status: Literal["ok"] = "ok"
    results: list[DecidedReply]

    @classmethod
    def of(cls, decided: Sequence[Decided]) -> Self:
        return cls(
            results=[
                DecidedReply(
                    id=one.reference,
                    status="ok" if one.ticket else "not_found",
                    approval_status=one.ticket.approval if one.ticket else None,
                    changed=one.changed,
                )
                for one in decided
            ]
        )


class ForeseenReply(DecisionsReply):
    """What would come of each; `dry_run` decides nothing."""

    dry_run: bool = True


class CountReply(Reply):
    """How many a filter means: what a `dry_run` answers."""

    status: Literal["ok"] = "ok"
    dry_run: bool = True
    approval_status: Approval
    count: int


class DecidingReply(AcceptedReply):
    count: int
    """How many the filter means now; the job's result says how many were changed."""

    @classmethod
    def counted(cls, job: Job) -> Self:
        return cls(**AcceptedReply.of(job).model_dump(), count=job.total)


def _fitting(talk: Talk) -> tuple[str, list[dict[str, Any]], bool]:
    """What was said, the longest messages cut until one answer can hold them all."""
    said = [talk.description, *(reply.content for reply in talk.replies)]
    shown = [_shown(reply) for reply in talk.replies]
    around = _bytes(shown)
    sizes = [_bytes(text) for text in said]
    complete = True
    while sum(sizes) + around > _MOST_BYTES:
        complete = False
        longest = max(range(len(said)), key=sizes.__getitem__)
        if sizes[longest] < 200:  # So many short ones: the later half of them is left out.
            half = len(said) // 2
            said, sizes, shown = said[:half], sizes[:half], shown[: half - 1]
            around = _bytes(shown)
            continue
        text = said[longest].removesuffix(_LEFT_OUT)
        said[longest] = f"{text[: len(text) // 2]} {_LEFT_OUT}"
        sizes[longest] = _bytes(said[longest])
    replies = [{**reply, "content": text} for reply, text in zip(shown, said[1:], strict=True)]
    return said[0], replies, complete


def _shown(reply: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "role": Role(reply.role).value,
        "name": reply.name,
        "content": "",
        "posted": reply.posted.isoformat() if reply.posted else None,
    }
    if reply.attachments:
        shown["attachments"] = list(reply.attachments)
    if reply.rating is not None:
        shown["rating"] = reply.rating
    return shown


def _bytes(value: Any) -> int:
    """On the wire: as JSON within the JSON that a function answers."""
    if isinstance(value, dict):
        value = {name: one.model_dump() if isinstance(one, Reply) else one for name, one in value.items()}
    return len(json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False).encode())
