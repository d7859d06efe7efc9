"""OpenSearch, underneath: where it is, who we are there, and what both of its indexes do alike."""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from candor.errors import Invalid, Unavailable
from candor.search import Hit, Passage, Stored, Where

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

BULK_BYTES: Final = 5 * 1024 * 1024
"""Of one bulk request. AWS's smallest instances refuse above 10 MB; gains end well before."""

BULK_PASSAGES: Final = 500

PAGE: Final = 1000
"""Rows of one page where we read everything; ids of one request."""

WRITES_TAKE: Final = 10
"""A bulk request may take this many times as long as a search."""


ATTEMPTS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSearchEndpoint:
    """
    Where an OpenSearch is, and how to prove who we are.

    With `service`, requests are signed (SigV4) with the credentials botocore finds: `es` for a
    domain, `aoss` for a Serverless collection. Otherwise `user` and `password` are sent, if any.
    """

    url: str
    """A host alone is reached by https, and by http on loopback."""
    user: str = ""
    password: str = field(default="", repr=False)
    region: str = ""
    service: Literal["", "es", "aoss"] = ""
    timeout_seconds: float = 3.0
    """For one attempt of a search; a refused connection and a 502–504 are tried once more at once."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.absolute_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid("The OpenSearch endpoint must be a host or an http or https url.")
        if self.service and not self.region:
            raise Invalid("An OpenSearch endpoint with signed requests needs its region.")

    @property
    def absolute_url(self) -> str:
        if "://" in self.url:
            return self.url
        is_loopback = urlsplit(f"//{self.url}").hostname in ("localhost", "127.0.0.1", "::1")
        return f"{'http' if is_loopback else 'https'}://{self.url}"

    @property
    def is_serverless(self) -> bool:
        return self.service == "aoss"


class OpenSearchTable:
    """
    One index of passages: created when first written to, read as empty while it does not exist.

    A domain (or a node of one's own) shows a write on return. A Serverless collection cannot: it has
    no refresh, its readers see a write up to a minute later, and it has no delete by query, so there
    passages are looked up and deleted by id. It must be a collection of type `search`: the other
    types refuse ids of ours. Written after its documentation; what was measured are domains' engines.
    """

    def __init__(self, endpoint: OpenSearchEndpoint, index_name: str, definition: Mapping[str, Any]) -> None:
        self._endpoint = endpoint
        self._name = index_name
        self._definition = definition
        self._lock = threading.Lock()
        self._opened: OpenSearch | None = None

    def close(self) -> None:
        """Give the connections back. The next call opens new ones."""
        with self._lock:
            client, self._opened = self._opened, None
        if client is not None:
            client.close()

    def write(self, rows: Iterable[tuple[Passage, Mapping[str, Any]]]) -> None:
        """Store passages with the fields that are looked in, replacing those of the same id."""
        lines = ((passage.passage_id, _line(passage, fields)) for passage, fields in rows)
        batches = list(_batches(lines))
        if not batches:
            return
        with translated():
            self._ensure()
            for number, batch in enumerate(batches, start=1):
                self._bulk(batch, is_last=number == len(batches))

    def hits(self, query: Mapping[str, Any], *, limit: int) -> list[tuple[Passage, float]]:
        """The best passages and the engine's scores, best first; equals by id."""
        found = self._search({"query": query, "size": limit, "_source": ["passage"]})
        rows = [(Passage(**row["_source"]["passage"]), float(row["_score"])) for row in found]
        return sorted(rows, key=lambda row: (-row[1], row[0].passage_id))

    def scores(self, query: Mapping[str, Any], *, limit: int) -> dict[str, float]:
        """The engine's scores by passage id."""
        found = self._search({"query": query, "size": limit, "_source": False})
        return {row["_id"]: float(row["_score"]) for row in found}

    def count(self, document_id: str, version: int) -> int:
        terms = [{"term": {"document_id": document_id}}, {"term": {"version": version}}]
        body = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": terms}}}
        with translated():
            found = self._client.search(index=self._name, body=body, params=_READING)
        return int(found["hits"]["total"]["value"])

    def forget(self, document_id: str, keep_version: int | None) -> None:
        gone: list[dict[str, Any]] = [{"term": {"document_id": document_id}}]
        if keep_version is not None:
            gone.append({"range": {"version": {"lt": keep_version}}})
        query = {"bool": {"filter": gone}}
        with translated():
            if self._endpoint.is_serverless:
                self._delete_one_by_one(query)
            else:
                self._delete_by_query(query)

    def stored(self) -> Iterator[Stored]:
        """By composite aggregation: pages of what differs, however many passages there are."""
        names = ("document_id", "version")
        pages: dict[str, Any] = {
            "size": PAGE,
            "sources": [{name: {"terms": {"field": name}}} for name in names],
        }
        while True:
            body = {"size": 0, "aggs": {"held": {"composite": pages}}}
            with translated():
                answer = self._client.search(index=self._name, body=body, params=_READING)
            held = answer.get("aggregations", {}).get("held", {})
            for bucket in held.get("buckets", ()):
                yield Stored(
                    document_id=bucket["key"]["document_id"],
                    version=int(bucket["key"]["version"]),
                    passages=int(bucket["doc_count"]),
                )
            if "after_key" not in held:
                return
            pages = {**pages, "after": held["after_key"]}

    def drop(self) -> None:
        """The index and all it holds. One that does not exist is as good."""
        with translated():
            self._client.indices.delete(
                index=self._name,
                params={
                    "ignore_unavailable": "true",
                    "request_timeout": self._endpoint.timeout_seconds * WRITES_TAKE,
                },
            )

    @property
    def _client(self) -> "OpenSearch":
        with self._lock:
            if self._opened is None:
                self._opened = connect(self._endpoint)
            return self._opened

    def _ensure(self) -> None:
        """
        Create the index unless it is there; of two processes that try at once one is told so.

        Asked before every write (a millisecond): a domain would otherwise make an index of its own
        mind when ours has been deleted under a warm process.
        """
        from opensearchpy.exceptions import RequestError

        if self._client.indices.exists(index=self._name):
            return
        definition = dict(self._definition)
        if self._endpoint.is_serverless:  # It decides on shards itself and refuses to be told.
            definition["settings"] = {
                name: value for name, value in definition["settings"].items() if name not in _SHARDING
            }
        try:
            self._client.indices.create(index=self._name, body=definition)
        except RequestError as error:
            if error.error != "resource_already_exists_exception":
                raise

    def _search(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        body["track_total_hits"] = False  # Counting all matches keeps the engine from skipping the poor ones.
        with translated():
            answer = self._client.search(index=self._name, body=body, params=_READING)
        return list(answer["hits"]["hits"])

    def _bulk(self, lines: Sequence[str], *, is_last: bool) -> None:
        """
        One bulk request.

        `refresh=true` with the last one: `wait_for` would hold a worker for up to a second for each
        document (this takes 20–70 ms), and the small segments it makes are merged behind our back.
        """
        params: dict[str, Any] = {"request_timeout": self._endpoint.timeout_seconds * WRITES_TAKE}
        if is_last and not self._endpoint.is_serverless:
            params["refresh"] = "true"
        answer = self._client.bulk(body="".join(lines), index=self._name, params=params)
        if answer["errors"]:
            _raise_first(answer["items"])

    def _delete_by_query(self, query: Mapping[str, Any]) -> None:
        params = {
            "conflicts": "proceed",
            "refresh": "true",
            "ignore_unavailable": "true",
            "request_timeout": self._endpoint.timeout_seconds * WRITES_TAKE,
        }
        for attempt in range(ATTEMPTS):
            # What a put wrote before its answer was lost is not searchable yet, and is to go too.
            self._client.indices.refresh(index=self._name, params=_READING)
            answer = self._client.delete_by_query(index=self._name, body={"query": query}, params=params)
            if not answer.get("version_conflicts") and not answer.get("failures"):
                return
            # Another process has written or deleted one of them meanwhile: look again.
            time.sleep(0.05 * (attempt + 1))
        raise Unavailable("OpenSearch is writing passages of this document at the same time.", retry_after=1)

    def _delete_one_by_one(self, query: Mapping[str, Any]) -> None:
        body: dict[str, Any] = {"query": query, "size": PAGE, "_source": False, "sort": ["passage_id"]}
        while True:
            answer = self._client.search(index=self._name, body=body, params=_READING)
            found = answer["hits"]["hits"]
            if not found:
                return
            lines = [json.dumps({"delete": {"_id": row["_id"]}}) + "\n" for row in found]
            self._bulk(lines, is_last=False)
            body["search_after"] = found[-1]["sort"]


def admitted(where: Where) -> list[dict[str, Any]]:
    """The filter clauses of a `Where`."""
    wanted = {"doc_type": where.doc_types, "source": where.sources, "status": where.statuses}
    return [{"terms": {name: sorted(values)}} for name, values in wanted.items() if values]


def definition_of(fields: Mapping[str, Any], *, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    Settings and mapping of an index of passages, with these fields to be looked in.

    One shard: BM25's word statistics are then those of the whole index, as in the embedded engine,
    and a few million passages fit one. The passage itself is stored, not indexed; a field that is
    looked in is indexed, not stored. A field nobody has declared is refused.
    """
    keyword = {"type": "keyword"}
    names = ("passage_id", "document_id", "doc_type", "source", "status", "language")
    return {
        "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1", **(settings or {})},
        "mappings": {
            "dynamic": "strict",
            "_source": {"excludes": list(fields)},
            "properties": {
                **dict.fromkeys(names, keyword),
                "version": {"type": "long"},
                "passage": {"type": "object", "enabled": False},
                **fields,
            },
        },
    }


def in_chunks(ids: Sequence[str], size: int = PAGE) -> Iterator[list[str]]:
    """Distinct ids, so many at a time."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def as_hits(rows: Iterable[tuple[Passage, float]]) -> list[Hit]:
    return [Hit(passage=passage, score=score) for passage, score in rows]


_READING: Final = {"ignore_unavailable": "true"}
"""An index that does not exist yet holds nothing; that is no error."""

_SHARDING: Final = ("number_of_shards", "auto_expand_replicas")


def connect(endpoint: OpenSearchEndpoint) -> "OpenSearch":
    from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth

    auth: Any = None
    if endpoint.service:
        from botocore.session import Session

        credentials = Session().get_credentials()
        if credentials is None:
            raise Unavailable("There are no AWS credentials to sign OpenSearch requests with.")
        auth = Urllib3AWSV4SignerAuth(credentials, endpoint.region, endpoint.service)
    elif endpoint.user:
        auth = (endpoint.user, endpoint.password)
    return OpenSearch(
        hosts=[endpoint.absolute_url],
        http_auth=auth,
        timeout=endpoint.timeout_seconds,
        max_retries=1,
        retry_on_timeout=False,  # The caller's patience is over by then.
        retry_on_status=(502, 503, 504),
        pool_maxsize=8,
    )


def _line(passage: Passage, fields: Mapping[str, Any]) -> str:
    """A passage as two lines of a bulk request."""
    row = {
        "passage_id": passage.passage_id,
        "document_id": passage.document_id,
        "version": passage.version,
        "doc_type": passage.doc_type,
        "source": passage.source,
        "status": passage.status,
        "language": passage.language,
        "passage": asdict(passage),
        **fields,
    }
    return f"{json.dumps({'index': {'_id': passage.passage_id}})}\n{json.dumps(row)}\n"


def _batches(lines: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Lines in requests of at most `BULK_PASSAGES` and, unless one alone is larger, `BULK_BYTES`."""
    batch: list[str] = []
    size = 0
    for _, line in lines:
        if batch and (len(batch) == BULK_PASSAGES or size + len(line) > BULK_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)  # JSON with escapes is ASCII: characters are bytes.
    if batch:
        yield batch


def _raise_first(items: Sequence[Mapping[str, Any]]) -> None:
    """Busy engines refuse single rows of a request that as a whole succeeds. A row deleted twice is fine."""
    for item in items:
        ((action, row),) = item.items()
        if "error" not in row or (action == "delete" and row["status"] == 404):
            continue
        kind = row["error"].get("type", "error")
        if row["status"] in (429, 500, 502, 503, 504):
            raise Unavailable(f"OpenSearch could not store a passage now: {kind}.")
        raise Invalid(f"OpenSearch refuses passage {row.get('_id')}: {kind}.")


@contextmanager
def translated() -> Iterator[None]:
    """The library's errors in our words, without its own: they can quote a customer's question."""
    from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError

    try:
        yield
    except ConnectionTimeout as error:
        raise Unavailable("OpenSearch did not answer in time.") from error
    except TransportError as error:
        status = error.status_code
        what = f"answered {status}" if isinstance(status, int) else "cannot be reached"
        raise Unavailable(f"OpenSearch {what}.") from error
    except OpenSearchException as error:
        raise Unavailable("OpenSearch answered something that cannot be read.") from error
