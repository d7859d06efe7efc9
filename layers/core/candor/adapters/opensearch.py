"""OpenSearch: passages found by their words (BM25), and by meaning with its own k-NN."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from candor.adapters.opensearch_client import (
    OpenSearchEndpoint,
    OpenSearchTable,
    admitted,
    as_hits,
    definition_of,
    in_chunks,
)
from candor.analysis import passage_terms, query_terms
from candor.errors import Invalid
from candor.search import ANYTHING, Hit, Passage, Stored, Vector, Where

MOST_TERMS: Final = 400
"""Of one question, in each of two fields: an engine refuses more than 1,024 clauses."""

LEAST_EXPLORED: Final = 100
"""Neighbours that k-NN keeps in hand while it walks its graph: few of them find the wrong ten."""


class OpenSearchKeywords:
    """
    A `KeywordIndex` in OpenSearch.

    The terms are made here (`candor.analysis`) and the engine splits them at blanks and counts them,
    so that it ranks as the embedded one does, in every language.
    """

    def __init__(self, endpoint: OpenSearchEndpoint, *, index_name: str) -> None:
        terms = {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
        self._table = OpenSearchTable(
            endpoint, index_name, definition_of({"heading_terms": terms, "body_terms": terms})
        )

    def put(self, passages: Sequence[Passage]) -> None:
        self._table.write((passage, _terms_of(passage)) for passage in passages)

    def search(self, question: str, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        query = _asked(question, admitted(where))
        return as_hits(self._table.hits(query, limit=limit)) if query else []

    def score(self, question: str, passage_ids: Sequence[str]) -> dict[str, float]:
        scores: dict[str, float] = {}
        for ids in in_chunks(passage_ids):
            if query := _asked(question, [{"ids": {"values": ids}}]):
                scores |= self._table.scores(query, limit=len(ids))
        return scores

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        self._table.forget(document_id, keep_version)

    def stored(self) -> Iterator[Stored]:
        return self._table.stored()

    def drop(self) -> None:
        self._table.drop()

    def close(self) -> None:
        """Give the connections back."""
        self._table.close()


class OpenSearchVectors:
    """
    A `VectorIndex` in OpenSearch: k-NN by its Lucene engine, for those who want one engine.

    Vectors are normalised, and Lucene's score of a cosine `c` is `(1 + c) / 2`. Serverless is
    refused: its vector collections take no ids of ours, so a message seen twice would double a passage.
    """

    def __init__(self, endpoint: OpenSearchEndpoint, *, index_name: str, dimensions: int) -> None:
        if endpoint.is_serverless:
            raise Invalid("Vectors need an OpenSearch domain or Pinecone; Serverless takes no ids of ours.")
        self._dimensions = dimensions
        graph = {
            "name": "hnsw",
            "engine": "lucene",
            "space_type": "cosinesimil",
            "parameters": {"m": 16, "ef_construction": 128},
        }
        vector = {"type": "knn_vector", "dimension": dimensions, "method": graph}
        self._table = OpenSearchTable(
            endpoint, index_name, definition_of({"vector": vector}, settings={"index.knn": True})
        )

    def put(self, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        rows = zip(passages, vectors, strict=True)
        self._table.write((passage, {"vector": [float(x) for x in vector]}) for passage, vector in rows)

    def confirmed(self, document_id: str, version: int, passages: int) -> bool:
        return self._table.count(document_id, version) >= passages

    def search(self, vector: Vector, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        query = _nearest(vector, max(limit, LEAST_EXPLORED), admitted(where))
        return as_hits((passage, _cosine(score)) for passage, score in self._table.hits(query, limit=limit))

    def score(self, vector: Vector, passage_ids: Sequence[str]) -> dict[str, float]:
        """Exact: a filter that leaves no more than `k` passages makes Lucene compare with each of them."""
        scores: dict[str, float] = {}
        for ids in in_chunks(passage_ids):
            found = self._table.scores(_nearest(vector, len(ids), [{"ids": {"values": ids}}]), limit=len(ids))
            scores |= {id_: _cosine(score) for id_, score in found.items()}
        return scores

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        self._table.forget(document_id, keep_version)

    def stored(self) -> Iterator[Stored]:
        return self._table.stored()

    def drop(self) -> None:
        self._table.drop()

    def close(self) -> None:
        """Give the connections back."""
        self._table.close()


def _terms_of(passage: Passage) -> Mapping[str, Any]:
    """Title and headings are a field of their own: a word there counts again, and more, being short."""
    heading = f"{passage.title}\n{passage.path}"
    return {
        "heading_terms": " ".join(passage_terms(heading, passage.language)),
        "body_terms": " ".join(passage_terms(passage.text, passage.language)),
    }


def _asked(question: str, filters: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The question as a query; None when there is nothing in it to look for."""
    terms = " ".join(query_terms(question)[:MOST_TERMS])
    if not terms:
        return None
    should = [{"match": {name: terms}} for name in ("heading_terms", "body_terms")]
    return {"bool": {"should": should, "minimum_should_match": 1, "filter": list(filters)}}


def _nearest(vector: Vector, k: int, filters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"vector": [float(x) for x in vector], "k": k}
    if filters:
        wanted["filter"] = {"bool": {"filter": list(filters)}}
    return {"knn": {"vector": wanted}}


def _cosine(score: float) -> float:
    return 2.0 * score - 1.0
