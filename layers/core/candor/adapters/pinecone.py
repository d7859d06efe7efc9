"""Pinecone: passages found by meaning, in a serverless index of the metric cosine."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from operator import mul
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from candor.errors import Invalid, Unavailable
from candor.search import ANYTHING, Hit, Passage, Stored, Vector, Where

if TYPE_CHECKING:
    from pinecone import Index, RetryConfig

# What the service refuses and the SDK does not check
# (https://docs.pinecone.io/reference/api/database-limits).
UPSERT_BYTES: Final = 2 * 1024 * 1024 - 64 * 1024
UPSERT_RECORDS: Final = 1000
DELETED_AT_ONCE: Final = 1000
LISTED_AT_ONCE: Final = 100
METADATA_BYTES: Final = 40 * 1024
ID_BYTES: Final = 512
MOST_NEIGHBOURS: Final = 10_000

FETCHED_AT_ONCE: Final = 100
"""Ids travel in the url there, which servers cut off at about 8 KB."""

BYTES_OF_A_NUMBER: Final = 24
"""At most, as JSON with its comma."""

WRITES_TAKE: Final = 10
"""An upsert may take this many times as long as a query."""


_OURS = re.compile(r".+:\d+:\d+")


class PineconeVectors:
    """
    A `VectorIndex` in one namespace of a Pinecone index.

    Records are named `<document_id>:<version>:<ordinal>` and carry the whole passage as metadata.
    A write is seen late: `confirmed` asks a query, because fetch and query see it at different times.
    A document id that is not ASCII, or a passage over 40 KB, is `Invalid`.
    """

    def __init__(
        self, *, host: str, api_key: str, namespace: str, dimensions: int, timeout_seconds: float = 3.0
    ) -> None:
        self._host = host
        self._api_key = api_key
        self._namespace = namespace
        self._dimensions = dimensions
        self._timeout = timeout_seconds
        self._lock = Lock()
        self._opened: Index | None = None

    def put(self, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        records = [_record(passage, vector) for passage, vector in zip(passages, vectors, strict=True)]
        with _translated(refusal_is_final=True):
            for batch in _batches(records):
                self._index.upsert(
                    vectors=batch, namespace=self._namespace, timeout=self._timeout * WRITES_TAKE
                )

    def confirmed(self, document_id: str, version: int, passages: int) -> bool:
        """A document of more passages than a query returns counts as seen when so many are."""
        expected = min(passages, MOST_NEIGHBOURS)
        if expected <= 0:
            return True
        anywhere = [1.0] + [0.0] * (self._dimensions - 1)
        its_own = {"document_id": {"$eq": document_id}, "version": {"$eq": version}}
        with _translated():
            found = self._index.query(
                vector=anywhere, top_k=expected, filter=its_own, namespace=self._namespace
            )
            return len(found.matches) >= expected

    def search(self, vector: Vector, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        with _translated():
            found = self._index.query(
                vector=[float(x) for x in vector],
                top_k=min(limit, MOST_NEIGHBOURS),
                filter=_filter(where),
                include_metadata=True,
                namespace=self._namespace,
            )
            return [
                Hit(passage=_passage(match.metadata), score=float(match.score)) for match in found.matches
            ]

    def score(self, vector: Vector, passage_ids: Sequence[str]) -> dict[str, float]:
        """By fetching the vectors: a filtered query promises neither all of them nor exactness."""
        wanted = [id_ for id_ in dict.fromkeys(passage_ids) if _is_name(id_)]
        scores: dict[str, float] = {}
        with _translated():
            for start in range(0, len(wanted), FETCHED_AT_ONCE):
                ids = wanted[start : start + FETCHED_AT_ONCE]
                found = self._index.fetch(ids=ids, namespace=self._namespace)
                scores |= {id_: sum(map(mul, vector, record.values)) for id_, record in found.vectors.items()}
        return scores

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        """Removes what can be seen now; a write still on its way is left for `reconcile`."""
        with _translated():
            gone = [
                id_ for id_ in self._ids(prefix=f"{document_id}:") if _is_gone(id_, document_id, keep_version)
            ]
            for start in range(0, len(gone), DELETED_AT_ONCE):
                self._index.delete(ids=gone[start : start + DELETED_AT_ONCE], namespace=self._namespace)

    def stored(self) -> Iterator[Stored]:
        with _translated():
            counts = Counter(_parts(id_) for id_ in self._ids(prefix=None))
        for (document_id, version), passages in counts.items():
            yield Stored(document_id=document_id, version=version, passages=passages)

    def drop(self) -> None:
        """The whole namespace; the index itself, with its price, belongs to whoever made it."""
        from pinecone.errors import NotFoundError

        with _translated(), suppress(NotFoundError):
            self._index.delete(delete_all=True, namespace=self._namespace)

    def close(self) -> None:
        """Give the connections back. The next call opens new ones."""
        with self._lock:
            index, self._opened = self._opened, None
        if index is not None:
            index.close()

    def _ids(self, prefix: str | None) -> Iterator[str]:
        pages = self._index.list(prefix=prefix, limit=LISTED_AT_ONCE, namespace=self._namespace)
        return (item.id for page in pages for item in page.vectors if item.id and _OURS.fullmatch(item.id))

    @property
    def _index(self) -> "Index":
        with self._lock:
            if self._opened is None:
                self._opened = self._connect()
            return self._opened

    def _connect(self) -> "Index":
        from pinecone import Index, RetryConfig

        index = Index(host=self._host, api_key=self._api_key, timeout=self._timeout)
        _retry(index, RetryConfig(max_retries=1, backoff_factor=0.1, max_wait=0.5))
        return index


def _retry(index: "Index", policy: "RetryConfig") -> None:
    """
    Once, and soon.

    The SDK has no setting for the data plane: it tries four times and sleeps as long as `Retry-After`
    says, up to a minute each, which no question waits for. So its policy is replaced where it lies.
    """
    transport: Any = index._http._client._transport
    transport._config = replace(transport._config, **asdict(policy))


def _record(passage: Passage, vector: Vector) -> dict[str, Any]:
    if not _is_name(passage.passage_id):
        raise Invalid(f"Pinecone takes ids of up to {ID_BYTES} ASCII characters.")
    metadata = asdict(passage)
    if _size(metadata) > METADATA_BYTES:
        raise Invalid(f"Passage {passage.passage_id} is over {METADATA_BYTES} bytes, Pinecone's limit.")
    return {"id": passage.passage_id, "values": [float(x) for x in vector], "metadata": metadata}


def _batches(records: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Records in requests within both limits. Of two records with one id in a request all are refused."""
    latest = {record["id"]: record for record in records}
    batch: list[dict[str, Any]] = []
    size = 0
    for record in latest.values():
        more = _size(record["metadata"]) + len(record["values"]) * BYTES_OF_A_NUMBER + ID_BYTES
        if batch and (len(batch) == UPSERT_RECORDS or size + more > UPSERT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += more
    if batch:
        yield batch


def _size(metadata: dict[str, Any]) -> int:
    return len(json.dumps(metadata, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _passage(metadata: Any) -> Passage:
    """Numbers come back as floats."""
    fields = dict(metadata)
    return Passage(**{**fields, "version": int(fields["version"]), "ordinal": int(fields["ordinal"])})


def _filter(where: Where) -> dict[str, Any] | None:
    wanted = {"doc_type": where.doc_types, "source": where.sources, "status": where.statuses}
    return {name: {"$in": sorted(values)} for name, values in wanted.items() if values} or None


def _is_name(passage_id: str) -> bool:
    return passage_id.isascii() and 0 < len(passage_id) <= ID_BYTES


def _is_gone(passage_id: str, document_id: str, keep_version: int | None) -> bool:
    document, version = _parts(passage_id)
    return document == document_id and (keep_version is None or version < keep_version)


def _parts(passage_id: str) -> tuple[str, int]:
    """Document and version; a document id may have colons of its own."""
    document_id, version, _ = passage_id.rsplit(":", 2)
    return document_id, int(version)


@contextmanager
def _translated(*, refusal_is_final: bool = False) -> Iterator[None]:
    """The SDK's errors in our words. A write refused as wrong (400) will be refused again."""
    from pinecone.errors import ApiError, PineconeError, PineconeTimeoutError

    try:
        yield
    except PineconeTimeoutError as error:
        raise Unavailable("Pinecone did not answer in time.") from error
    except ApiError as error:
        if refusal_is_final and error.status_code in (400, 413):
            raise Invalid(f"Pinecone refuses the passages: {error.status_code}.") from error
        raise Unavailable(f"Pinecone answered {error.status_code}.") from error
    except PineconeError as error:
        raise Unavailable("Pinecone cannot be reached, or answered what cannot be read.") from error
