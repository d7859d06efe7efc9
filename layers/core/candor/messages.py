"""Messages: what travels on the queues. Both ends import these; nothing else knows the JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Protocol, Self
from urllib.parse import unquote_plus

from candor.errors import Malformed

MAX_DELAY_SECONDS: Final = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A thing to be done. Unknown fields are ignored, so that a newer sender can talk to an older worker."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, body: str) -> Self:
        """Raises `Malformed`, without the body: it may hold a customer's words."""
        try:
            fields = json.loads(body)
            return cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})
        except (TypeError, ValueError, KeyError) as error:
            raise Malformed(f"The message is not a {cls.__name__}.") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentToIndex(Message):
    """Make this document searchable, or remove it. Only its id: the worker reads the truth."""

    document_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceToRead(Message):
    """Go on reading an object of the source bucket for this job; or withdraw it when `removed`."""

    key: str
    job_id: str
    start: int = 0
    """Which record to go on from: for people who look at the queue. The job's checkpoint decides."""
    removed: bool = False
    mark: str = ""
    """Which content of the object is meant (`objects.mark_of`); blank: whatever lies there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DumpToImport(Message):
    """Go on importing a helpdesk's dump; which one, and how, stands with the job."""

    job_id: str
    kind: str = "dump"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectChanged(Message):
    """Something happened to an object: look at it as it is now. `sequencer` tells two events apart."""

    key: str
    removed: bool
    sequencer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceWork(Message):
    """What one message on the source queue asks for: S3 notifies there, and we send there ourselves."""

    changes: tuple[ObjectChanged, ...] = ()
    to_read: SourceToRead | None = None
    to_import: DumpToImport | None = None

    @classmethod
    def from_json(cls, body: str) -> Self:
        """An S3 notification (its test event asks for nothing), a `DumpToImport` or a `SourceToRead`."""
        try:
            fields = json.loads(body)
            if fields.get("Event") == "s3:TestEvent":
                return cls()
            if "Records" in fields:
                return cls(changes=tuple(_change(record) for record in fields["Records"]))
            if fields.get("kind") == "dump":
                return cls(to_import=DumpToImport.from_json(body))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Malformed("The message is neither an S3 notification nor a SourceToRead.") from error
        return cls(to_read=SourceToRead.from_json(body))


def _change(record: Mapping[str, Any]) -> ObjectChanged:
    thing = record["s3"]["object"]
    return ObjectChanged(
        # S3 sends keys as in a form: a blank is a plus sign.
        key=unquote_plus(thing["key"]),
        removed=str(record["eventName"]).removeprefix("s3:").startswith("ObjectRemoved"),
        sequencer=str(thing.get("sequencer") or record.get("eventTime", "")),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexToReconcile(Message):
    """Compare both indexes with the documents and repair them; without a job, start one."""

    reconcile: bool
    job_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexToBuild(Message):
    """Do the next step of the build of a new index, whose job this is."""

    build: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexToDrop(Message):
    """Remove an index nobody asks any more: the generation of this id."""

    drop: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexWork(Message):
    """What one message on the index queue asks for."""

    document_id: str = ""
    reconcile: IndexToReconcile | None = None
    build: IndexToBuild | None = None
    drop: IndexToDrop | None = None

    @classmethod
    def from_json(cls, body: str) -> Self:
        try:
            fields = json.loads(body)
            wants_reconcile = fields.get("reconcile") is True
            if isinstance(fields.get("build"), str):
                return cls(build=IndexToBuild.from_json(body))
            if isinstance(fields.get("drop"), str):
                return cls(drop=IndexToDrop.from_json(body))
        except (ValueError, AttributeError) as error:
            raise Malformed("The message is none of those that the index queue takes.") from error
        if wants_reconcile:
            return cls(reconcile=IndexToReconcile.from_json(body))
        return cls(document_id=DocumentToIndex.from_json(body).document_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportToWrite(Message):
    """
    Documents have changed: write the exports that show them. `changed_at` is when, ISO-8601; an export whose
    reading began later holds the change already. Blank: write them in any case.
    """

    changed_at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLettersToRedrive(Message):
    """Go on with a job that sends dead letters again; what it is about stands in the job."""

    job_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerToErase(Message):
    """Go on removing everything of one customer; who that is stands in the job, as a hash."""

    job_id: str
    kind: str = "erase"


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketsToDecide(Message):
    """Go on approving or rejecting what a filter means, where the job's checkpoint says."""

    job_id: str
    kind: str = "decide"


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketsToExport(Message):
    """Go on writing the approved tickets into a file, where the job's checkpoint says."""

    job_id: str
    kind: str = "export_tickets"


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketsToReconcile(Message):
    """Compare tickets, their directory and their documents, and repair them; without a job, start one."""

    job_id: str = ""
    kind: str = "reconcile_tickets"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportWork(Message):
    """What one message on the export queue asks for: what may take its time, and delays nobody's answer."""

    to_write: ExportToWrite | None = None
    to_redrive: DeadLettersToRedrive | None = None
    to_erase: CustomerToErase | None = None
    to_decide: TicketsToDecide | None = None
    to_export: TicketsToExport | None = None
    to_reconcile: TicketsToReconcile | None = None

    @classmethod
    def from_json(cls, body: str) -> Self:
        try:
            fields = json.loads(body)
            if "changed_at" in fields:
                if fields["changed_at"]:
                    datetime.fromisoformat(fields["changed_at"])
                return cls(to_write=ExportToWrite.from_json(body))
            if isinstance(fields, dict) and fields.get("kind") == "erase":
                return cls(to_erase=CustomerToErase.from_json(body))
            if isinstance(fields, dict) and fields.get("kind") == "decide":
                return cls(to_decide=TicketsToDecide.from_json(body))
            if isinstance(fields, dict) and fields.get("kind") == "export_tickets":
                return cls(to_export=TicketsToExport.from_json(body))
            if isinstance(fields, dict) and fields.get("kind") == "reconcile_tickets":
                return cls(to_reconcile=TicketsToReconcile.from_json(body))
        except (TypeError, ValueError) as error:
            raise Malformed("The message is neither an ExportToWrite nor a DeadLettersToRedrive.") from error
        return cls(to_redrive=DeadLettersToRedrive.from_json(body))


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteToCrawl(Message):
    """Begin a crawl: look at the site's start page, robots.txt and sitemaps, and send out its first pages."""

    job_id: str
    start: str
    options: Mapping[str, Any]
    started: float
    """When the job was asked for, in seconds since the epoch."""
    attempt: int = 0
    kind: str = "site"


@dataclass(frozen=True, kw_only=True, slots=True)
class PageToCrawl(Message):
    """Fetch one page of a crawl, and go on from there."""

    job_id: str
    url: str
    depth: int
    attempt: int = 0
    round: int = 0
    """From 1 on the page is looked at once more: it is read whole, whatever is remembered of it."""
    alone: bool = False
    """The page it calls canonical is of no use: take it for itself."""
    kind: str = "page"


@dataclass(frozen=True, kw_only=True, slots=True)
class PageToRender(Message):
    """Look at a page in a browser: without its scripts it says hardly anything."""

    job_id: str
    url: str
    depth: int
    round: int = 0
    alone: bool = False
    kind: str = "render"


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlToFinish(Message):
    """See whether a crawl's pages are all done, and end it. `watch`: also when it has come to a halt."""

    job_id: str
    watch: bool = False
    kind: str = "finish"


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentsToRefresh(Message):
    """Go on fetching all documents that came from the web, where the job's checkpoint says."""

    job_id: str
    kind: str = "refresh"


@dataclass(frozen=True, kw_only=True, slots=True)
class CrawlWork(Message):
    """What one message on the crawl queue asks for."""

    task: SiteToCrawl | PageToCrawl | CrawlToFinish | DocumentsToRefresh

    @classmethod
    def from_json(cls, body: str) -> Self:
        kinds: Mapping[str, type[SiteToCrawl | PageToCrawl | CrawlToFinish | DocumentsToRefresh]] = {
            "site": SiteToCrawl,
            "page": PageToCrawl,
            "finish": CrawlToFinish,
            "refresh": DocumentsToRefresh,
        }
        try:
            kind = kinds[json.loads(body)["kind"]]
        except (TypeError, ValueError, KeyError) as error:
            raise Malformed("The message is no work of a crawl.") from error
        return cls(task=kind.from_json(body))


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketsToCrawl(Message):
    """Go on with a crawl of a helpdesk, where the job's checkpoint says. What opens it is kept sealed."""

    job_id: str
    since: str = ""
    """ISO-8601, or `last`: what has changed since the last crawl that succeeded. Blank: everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageToAnswer(Message):
    """Somebody's message lies in the inbox: answer it, and tell them where they wrote."""

    inbox_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventToDeliver(Message):
    """Tell one webhook of one event. What there is to tell is read when it is told."""

    event_id: str
    hook_id: str
    event: str
    about: str
    """The id of the answer or of the job."""
    announced_at: float
    """Seconds since the epoch, as the two below."""
    first_tried_at: float = 0.0
    not_before: float = 0.0
    """A queue hides a message for a quarter of an hour at most: earlier it is only passed on."""
    attempt: int = 0
    """How often it has been tried in vain."""


class Queue(Protocol):
    """Where messages wait. `send` returns when the message is durable; it may be delivered more than once."""

    def send(self, *messages: Message, delay_seconds: int = 0) -> None:
        """Delivered no sooner than after the delay, which is at most `MAX_DELAY_SECONDS`."""
        ...
