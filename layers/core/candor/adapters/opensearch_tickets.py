"""Ticket directory in OpenSearch: filters, words by their beginnings, and pages however deep."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from candor.adapters.opensearch_client import ATTEMPTS, WRITES_TAKE, OpenSearchEndpoint, connect, translated
from candor.errors import Invalid, Unavailable
from candor.tickets.store import Entry, latest_of
from candor.tickets.values import Approval, Order, Ticket, Wanted
from candor.tickets.words import WORDS_VERSION, asked

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

DEEPEST: Final = 2_000_000
"""How far down a list its pages go, in tickets; an engine of its own accord ends at `SHALLOW`."""

SHALLOW: Final = 10_000

FEW: Final = 200
"""Entries that are waited for until they are found; those of an import are found within a second."""

_AT_ONCE: Final = 500

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_READING: Final = {"ignore_unavailable": "true"}
"""An index that does not exist yet holds nothing; that is no error."""

_KEYWORDS: Final = ("ticket_id", "status", "approval", "department", "helpdesk", "source_file")

_DEFINITION: Final[Mapping[str, Any]] = {
    "settings": {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        # Page 2,000 of 100 is asked for like any other; one shard sorts 200,000 in a few milliseconds.
        "max_result_window": DEEPEST,
    },
    "mappings": {
        "dynamic": "strict",
        "properties": {
            **{name: {"type": "keyword"} for name in _KEYWORDS},
            **{name: {"type": "long"} for name in ("version", "revision", "created_at")},
            "worth": {"type": "integer"},
            "terms": {
                "type": "text",
                "analyzer": "whitespace",
                "index_options": "docs",
                "norms": False,
                "index_prefixes": {"min_chars": 1, "max_chars": 10},
            },
        },
    },
}

_NEWEST: Final = ({"created_at": "desc"}, {"ticket_id": "desc"})
_WORTH: Final = ({"worth": "desc"}, *_NEWEST)


class OpenSearchTicketDirectory:
    """
    A `TicketDirectory` in an index of its own, made when it is first written to.

    A write names the state of the entry it was made from, and is made anew when that has passed: an entry
    that is late cannot undo a later one.
    """

    def __init__(self, endpoint: OpenSearchEndpoint, *, prefix: str) -> None:
        self._endpoint = endpoint
        self._name = f"{prefix}-tickets-{WORDS_VERSION}"
        self._lock = threading.Lock()
        self._opened: OpenSearch | None = None

    def put(self, entries: Sequence[Entry]) -> None:
        wanted = latest_of(entries)

        def written(ticket_id: str, held: Mapping[str, Any] | None) -> dict[str, Any] | None:
            entry = wanted[ticket_id]
            if held is not None and held["revision"] > entry.revision:
                return None
            return _document(entry)

        self._write(list(wanted), written, is_whole=True)

    def revise(self, tickets: Sequence[Ticket]) -> Sequence[str]:
        wanted = {ticket.ticket_id: ticket for ticket in tickets}
        absent: dict[str, None] = {}

        def revised(ticket_id: str, held: Mapping[str, Any] | None) -> dict[str, Any] | None:
            ticket = wanted[ticket_id]
            if held is None or held["version"] < ticket.version:
                absent[ticket_id] = None
                return None
            return _columns(ticket) if held["revision"] < ticket.revision else None

        self._write(list(wanted), revised, is_whole=False)
        return [ticket_id for ticket_id in wanted if ticket_id in absent]

    def remove(self, ticket_ids: Iterable[str]) -> None:
        gone = list(dict.fromkeys(ticket_ids))
        if not gone or not self._exists():
            return
        for start in range(0, len(gone), _AT_ONCE):
            lines = [json.dumps({"delete": {"_id": one}}) + "\n" for one in gone[start : start + _AT_ONCE]]
            self._bulk(lines, refresh=len(gone) <= FEW)

    def page(
        self, wanted: Wanted, *, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Sequence[str], int]:
        query, start = _query(wanted), (page - 1) * page_size
        if query is None:
            return [], 0
        sort = list(_WORTH if order is Order.WORTH else _NEWEST)
        if start + page_size <= SHALLOW:
            return self._found(query, sort, start, page_size)
        total = self.count(wanted)
        size = min(page_size, total - start)
        if size <= 0:
            return [], total
        if start <= total // 2:
            return self._found(query, sort, start, size)[0], total
        # From its end: what has to be sorted is what lies before the page.
        turned = [{name: "asc"} for part in sort for name in part]
        return self._found(query, turned, total - start - size, size)[0][::-1], total

    def count(self, wanted: Wanted) -> int:
        query = _query(wanted)
        return self._found(query, [], 0, 0)[1] if query is not None else 0

    def after(self, wanted: Wanted, ticket_id: str, *, limit: int) -> Sequence[str]:
        query = _query(wanted)
        if query is None:
            return []
        later = {"bool": {"filter": [query, {"range": {"ticket_id": {"gt": ticket_id}}}]}}
        return self._found(later, [{"ticket_id": "asc"}], 0, min(limit, SHALLOW))[0]

    def entries_after(self, ticket_id: str, *, limit: int) -> Sequence[tuple[str, int, Approval]]:
        body = {
            "query": {"range": {"ticket_id": {"gt": ticket_id}}},
            "sort": [{"ticket_id": "asc"}],
            "size": min(limit, SHALLOW),
            "_source": ["version", "approval"],
            "track_total_hits": False,
        }
        with translated():
            answer = self._client.search(index=self._name, body=body, params=_READING)
        return [
            (row["_id"], int(row["_source"]["version"]), Approval(row["_source"]["approval"]))
            for row in answer["hits"]["hits"]
        ]

    def close(self) -> None:
        """Give the connections back. The next call opens new ones."""
        with self._lock:
            client, self._opened = self._opened, None
        if client is not None:
            client.close()

    def _found(
        self, query: Mapping[str, Any], sort: Sequence[Mapping[str, str]], start: int, size: int
    ) -> tuple[list[str], int]:
        deepest = SHALLOW if self._endpoint.is_serverless else DEEPEST
        if start + size > deepest:
            raise Invalid(f"The list goes no deeper than {deepest} tickets here: narrow it by a filter.")
        body = {
            "query": query,
            "sort": list(sort),
            "from": start,
            "size": size,
            "_source": False,
            "track_total_hits": True,
        }
        with translated():
            answer = self._client.search(index=self._name, body=body, params=_READING)
        hits = answer["hits"]
        return [row["_id"] for row in hits["hits"]], int(hits["total"]["value"])

    def _write(
        self,
        ticket_ids: Sequence[str],
        written: Callable[[str, Mapping[str, Any] | None], dict[str, Any] | None],
        *,
        is_whole: bool,
    ) -> None:
        """What `written` makes of each entry as it is held; made anew for those that move meanwhile."""
        if not ticket_ids:
            return
        self._ensure()
        waiting = list(ticket_ids)
        for attempt in range(ATTEMPTS * 2):
            moved: list[str] = []
            for start in range(0, len(waiting), _AT_ONCE):
                some = waiting[start : start + _AT_ONCE]
                held = self._held(some)
                lines = []
                for ticket_id in some:
                    row = held.get(ticket_id)
                    document = written(ticket_id, row["_source"] if row else None)
                    if document is not None:
                        lines.append(_line(ticket_id, row, document, is_whole=is_whole))
                moved += self._bulk(lines, refresh=len(ticket_ids) <= FEW)
            if not moved:
                return
            waiting = moved
            time.sleep(0.02 * (attempt + 1))
        raise Unavailable("OpenSearch is writing these tickets' entries at the same time.", retry_after=1)

    def _held(self, ticket_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The entries as they are this moment, found by searches or not yet."""
        with translated():
            answer = self._client.mget(
                index=self._name,
                body={"ids": list(ticket_ids)},
                params={"_source_includes": "version,revision"},
            )
        return {row["_id"]: row for row in answer["docs"] if row.get("found")}

    def _bulk(self, lines: Sequence[str], *, refresh: bool) -> list[str]:
        """Ids of those that have moved on. One that is deleted and not there is gone already."""
        if not lines:
            return []
        params: dict[str, Any] = {"request_timeout": self._endpoint.timeout_seconds * WRITES_TAKE}
        if refresh and not self._endpoint.is_serverless:
            params["refresh"] = "true"
        with translated():
            answer = self._client.bulk(body="".join(lines), index=self._name, params=params)
        moved = []
        for item in answer["items"]:
            ((action, row),) = item.items()
            if row["status"] == 409 or (action == "update" and row["status"] == 404):
                moved.append(str(row["_id"]))
            elif "error" in row and not (action == "delete" and row["status"] == 404):
                raise Unavailable(f"OpenSearch could not store a ticket's entry: {row['error'].get('type')}.")
        return moved

    def _exists(self) -> bool:
        with translated():
            return bool(self._client.indices.exists(index=self._name))

    def _ensure(self) -> None:
        """Create the index unless it is there; of two processes that try at once one is told so."""
        from opensearchpy.exceptions import RequestError

        if self._exists():
            return
        definition = dict(_DEFINITION)
        if self._endpoint.is_serverless:  # It decides on these itself and refuses to be told.
            del definition["settings"]
        with translated():
            try:
                self._client.indices.create(index=self._name, body=definition)
            except RequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise

    @property
    def _client(self) -> "OpenSearch":
        with self._lock:
            if self._opened is None:
                self._opened = connect(self._endpoint)
            return self._opened


def _document(entry: Entry) -> dict[str, Any]:
    since = entry.created_at - _EPOCH
    return {
        **_columns(entry),
        "ticket_id": entry.ticket_id,
        "version": entry.version,
        "helpdesk": entry.helpdesk.casefold(),
        "created_at": (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds,
        "terms": " ".join(entry.terms),
    }


def _columns(of: Entry | Ticket) -> dict[str, Any]:
    """What may change without a word being said."""
    return {
        "revision": of.revision,
        "status": of.status.casefold(),
        "approval": of.approval.value,
        "department": of.department.casefold(),
        "source_file": of.source_file,
        "worth": of.worth,
    }


def _line(
    ticket_id: str, row: Mapping[str, Any] | None, document: Mapping[str, Any], *, is_whole: bool
) -> str:
    """Two lines of a bulk request: only if the entry is still the one that was read."""
    if row is None:
        what: dict[str, Any] = {"create": {"_id": ticket_id}}
    else:
        state = {"if_seq_no": row["_seq_no"], "if_primary_term": row["_primary_term"]}
        what = {"index" if is_whole else "update": {"_id": ticket_id, **state}}
    body = document if is_whole else {"doc": document}
    return f"{json.dumps(what)}\n{json.dumps(body)}\n"


def _query(wanted: Wanted) -> dict[str, Any] | None:
    """None when there is nothing to look for in the words."""
    words = asked(wanted.text)
    if words is None:
        return None
    filters = {
        "status": wanted.status.casefold(),
        "approval": wanted.approval.value if wanted.approval else "",
        "department": wanted.department.casefold(),
        "helpdesk": wanted.helpdesk.casefold(),
        "source_file": wanted.source_file,
    }
    clauses: list[dict[str, Any]] = [{"term": {name: value}} for name, value in filters.items() if value]
    clauses += [{"prefix": {"terms": {"value": beginning}}} for beginning in words]
    return {"bool": {"filter": clauses}}
