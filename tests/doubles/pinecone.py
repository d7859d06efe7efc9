"""
The Pinecone double: the vectors API of one index on loopback, with its limits, its LSN and its lag.

    with PineconeDouble(dimensions=256) as pinecone:
        pinecone.lag = 0.3                                   # seconds until a read sees a write
        pinecone.fail = Fail(verb="query", status=503, times=1)
        … a client with host=pinecone.url …

Written after https://docs.pinecone.io/reference/api/2025-10/data-plane; metric cosine.
"""

import base64
import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.loopback import Loopback, Reply, Request

METADATA_BYTES = 40 * 1024
REQUEST_BYTES = 2 * 1024 * 1024
UPSERTED_AT_ONCE = 1000
NAMED_AT_ONCE = 1000
LISTED_AT_ONCE = 100
NEIGHBOURS = 10_000

_GRPC_CODES = {400: 3, 401: 16, 404: 5, 413: 3, 429: 8, 500: 13, 503: 14}


@dataclass(kw_only=True)
class Fail:
    """Calls that go wrong: the next `times` of that verb (`*`: any)."""

    verb: str
    status: int = 503
    times: int = 1
    delay: float = 0.0
    """Wait so long and then answer well, if there is no `status`."""
    lost: bool = False
    """Do what was asked, and lose the answer."""
    retry_after: str | None = None


class _RefusedError(Exception):
    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class _Record:
    values: list[float]
    metadata: dict[str, Any]


@dataclass
class _Namespace:
    """What has been written, and what reads have caught up with."""

    log: list[tuple[float, int, str, _Record | None]] = field(default_factory=list)
    seen: dict[str, _Record] = field(default_factory=dict)
    applied: int = 0
    lsn: int = 0
    indexed_lsn: int = 0


class PineconeDouble(Loopback):
    """One index. Everything is kept until the end of the test."""

    def __init__(self, *, dimensions: int, api_key: str = "double-key") -> None:
        super().__init__()
        self.dimensions = dimensions
        self.api_key = api_key
        self.lag = 0.0
        self.fail: Fail | None = None
        self._lock = threading.RLock()
        self._namespaces: dict[str, _Namespace] = {}
        self._verbs: dict[tuple[str, str], tuple[str, Callable[[str, dict[str, Any]], Reply]]] = {
            ("POST", "/vectors/upsert"): ("upsert", self._upsert),
            ("POST", "/query"): ("query", self._query),
            ("GET", "/vectors/fetch"): ("fetch", self._fetch),
            ("GET", "/vectors/list"): ("list", self._list),
            ("POST", "/vectors/delete"): ("delete", self._delete),
        }

    def count(self, verb: str) -> int:
        """How many requests of a verb have arrived."""
        paths = [path for (_, path), (name, _) in self._verbs.items() if name == verb]
        return sum(1 for request in self.requests if request.path in paths)

    def reply(self, request: Request) -> Reply:
        try:
            return self._serve(request)
        except _RefusedError as refused:
            return _error(refused.status, str(refused))

    def _serve(self, request: Request) -> Reply:
        if request.headers.get("api-key") != self.api_key:
            raise _RefusedError("Invalid API key", 401)
        if not request.headers.get("x-pinecone-api-version"):
            raise _RefusedError("X-Pinecone-Api-Version is missing")
        if len(request.body) > REQUEST_BYTES:
            raise _RefusedError("Request size exceeds the maximum supported size of 2MB")
        if (request.method, request.path) not in self._verbs:
            raise _RefusedError("not found", 404)
        verb, act = self._verbs[request.method, request.path]
        asked = request.json() if request.method == "POST" else dict(request.query)
        named = asked.get("namespace", "")
        namespace = named[0] if isinstance(named, list) else named
        fail = self._failure(verb)
        if fail and fail.delay:
            self.wait(fail.delay)
        elif fail:
            if fail.lost:
                act(namespace, asked)
            headers = {"Retry-After": fail.retry_after} if fail.retry_after else {}
            return _error(fail.status, "injected", headers)
        return act(namespace, asked)

    def _failure(self, verb: str) -> Fail | None:
        with self._lock:
            fail = self.fail
            if fail is None or fail.verb not in (verb, "*") or fail.times <= 0:
                return None
            fail.times -= 1
            return fail

    def _write(self, namespace: str, changes: list[tuple[str, _Record | None]]) -> dict[str, str]:
        with self._lock:
            written = self._namespaces.setdefault(namespace, _Namespace())
            written.lsn += 1
            now = time.monotonic()
            written.log.extend((now, written.lsn, id_, record) for id_, record in changes)
            return {"x-pinecone-request-lsn": str(written.lsn)}

    def _read(self, namespace: str) -> tuple[dict[str, _Record], dict[str, str]]:
        with self._lock:
            written = self._namespaces.get(namespace)
            if written is None:
                return {}, {"x-pinecone-max-indexed-lsn": "0"}
            horizon = time.monotonic() - self.lag
            while written.applied < len(written.log) and written.log[written.applied][0] <= horizon:
                _, written.indexed_lsn, id_, record = written.log[written.applied]
                if record is None:
                    written.seen.pop(id_, None)
                else:
                    written.seen[id_] = record
                written.applied += 1
            return dict(written.seen), {"x-pinecone-max-indexed-lsn": str(written.indexed_lsn)}

    def _upsert(self, namespace: str, asked: dict[str, Any]) -> Reply:
        vectors = asked.get("vectors") or []
        if not 1 <= len(vectors) <= UPSERTED_AT_ONCE:
            raise _RefusedError(f"{len(vectors)} vectors; 1 to {UPSERTED_AT_ONCE} are taken")
        changes: dict[str, _Record | None] = {}
        for vector in vectors:  # All or nothing.
            id_ = vector.get("id")
            if not isinstance(id_, str) or not 1 <= len(id_) <= 512 or not id_.isascii():
                raise _RefusedError("Vector ID must be ASCII, 1 to 512 characters")
            if id_ in changes:
                raise _RefusedError(f"Duplicate vector ID: {id_}")
            changes[id_] = _Record(self._checked(vector.get("values")), _metadata(vector.get("metadata")))
        headers = self._write(namespace, list(changes.items()))
        return Reply(body={"upsertedCount": len(changes)}, headers=headers)

    def _query(self, namespace: str, asked: dict[str, Any]) -> Reply:
        if not 1 <= asked.get("topK", 0) <= NEIGHBOURS:
            raise _RefusedError(f"topK must be 1 to {NEIGHBOURS}")
        wanted = self._checked(asked.get("vector"))
        seen, headers = self._read(namespace)
        matches = []
        for id_, record in seen.items():
            if not _admits(asked.get("filter"), record.metadata):
                continue
            match: dict[str, Any] = {"id": id_, "score": _cosine(wanted, record.values)}
            if asked.get("includeMetadata"):
                match["metadata"] = record.metadata
            if asked.get("includeValues"):
                match["values"] = record.values
            matches.append(match)
        matches.sort(key=lambda match: (-match["score"], match["id"]))
        body = {"matches": matches[: asked["topK"]], "namespace": namespace, "usage": {"readUnits": 5}}
        return Reply(body=body, headers=headers)

    def _fetch(self, namespace: str, asked: dict[str, Any]) -> Reply:
        ids = asked.get("ids", [])
        if not 1 <= len(ids) <= NAMED_AT_ONCE:
            raise _RefusedError(f"1 to {NAMED_AT_ONCE} ids are taken")
        seen, _ = self._read(namespace)
        found = {
            id_: {"id": id_, "values": seen[id_].values, "metadata": seen[id_].metadata}
            for id_ in ids
            if id_ in seen
        }
        return Reply(body={"vectors": found, "namespace": namespace, "usage": {"readUnits": 1}})

    def _list(self, namespace: str, asked: dict[str, Any]) -> Reply:
        limit = int(asked.get("limit", ["100"])[0])
        if not 1 <= limit <= LISTED_AT_ONCE:
            raise _RefusedError(f"limit must be 1 to {LISTED_AT_ONCE}")
        prefix = asked.get("prefix", [""])[0]
        after = base64.urlsafe_b64decode(asked.get("paginationToken", [""])[0]).decode()
        seen, _ = self._read(namespace)
        ids = sorted(id_ for id_ in seen if id_.startswith(prefix) and id_ > after)
        body: dict[str, Any] = {"vectors": [{"id": id_} for id_ in ids[:limit]], "namespace": namespace}
        if len(ids) > limit:
            body["pagination"] = {"next": base64.urlsafe_b64encode(ids[limit - 1].encode()).decode()}
        return Reply(body=body)

    def _delete(self, namespace: str, asked: dict[str, Any]) -> Reply:
        ids = asked.get("ids")
        if asked.get("deleteAll") and not ids and not asked.get("filter"):
            with self._lock:
                if namespace not in self._namespaces:
                    raise _RefusedError("Namespace not found", 404)
                del self._namespaces[namespace]
            return Reply(body={})
        if not isinstance(ids, list) or asked.get("deleteAll") or asked.get("filter"):
            raise _RefusedError("exactly one of ids, deleteAll and filter is taken; here no filter")
        if not 1 <= len(ids) <= NAMED_AT_ONCE:
            raise _RefusedError(f"1 to {NAMED_AT_ONCE} ids are taken")
        return Reply(body={}, headers=self._write(namespace, [(id_, None) for id_ in ids]))

    def _checked(self, values: Any) -> list[float]:
        if not isinstance(values, list) or len(values) != self.dimensions:
            raise _RefusedError(
                f"Vector dimension does not match the dimension of the index {self.dimensions}"
            )
        if not any(values):
            raise _RefusedError("Dense vectors must contain at least one non-zero value.")
        return [float(value) for value in values]


def _metadata(metadata: Any) -> dict[str, Any]:
    """Flat, without null, at most 40 KB; numbers become floats, as they do there."""
    metadata = metadata or {}
    for name, value in metadata.items():
        is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if name.startswith("$") or not (isinstance(value, str | bool | int | float) or is_list):
            raise _RefusedError("Metadata value must be a string, number, boolean or list of strings")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
        raise _RefusedError(f"metadata exceeds the limit of {METADATA_BYTES} bytes per vector")
    return {name: float(value) if type(value) is int else value for name, value in metadata.items()}


def _admits(wanted: Any, metadata: dict[str, Any]) -> bool:
    """The operators in use; an unknown one is refused, so that nobody relies on it unnoticed."""
    for name, condition in (wanted or {}).items():
        for operator, value in condition.items():
            if operator == "$eq":
                fits = metadata.get(name) == value
            elif operator == "$in":
                fits = metadata.get(name) in value
            else:
                raise _RefusedError(f"unknown operator {operator}")
            if not fits:
                return False
    return True


def _cosine(left: list[float], right: list[float]) -> float:
    lengths = math.sqrt(sum(x * x for x in left)) * math.sqrt(sum(x * x for x in right))
    return sum(a * b for a, b in zip(left, right, strict=True)) / lengths


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"code": _GRPC_CODES.get(status, 2), "message": message, "details": []}
    return Reply(status=status, body=body, headers=headers or {})
