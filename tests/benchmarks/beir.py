"""BEIR folders: reading them, turning them into passages, and scoring rankings against their judgements."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from candor.chunking import chunk
from candor.documents import Document
from candor.search import Passage
from tests.doubles.passages import document

Judgements = Mapping[str, int]
"""Document id to grade; absent is 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """One test collection. Questions without a judged document are left out: nothing is right for them."""

    name: str
    documents: Mapping[str, tuple[str, str]]
    """Id to title and text."""
    questions: Mapping[str, str]
    judgements: Mapping[str, Judgements]

    def passages(self) -> list[Passage]:
        """Cut as the product cuts documents, not as the collection suits."""
        return [
            passage
            for document_id, (title, text) in self.documents.items()
            for passage in chunk(_document(document_id, title), text)
        ]


def collections(folder: Path) -> list[Collection]:
    """The collection in a folder, or those in its sub-folders."""
    found = [folder] if (folder / "corpus.jsonl").exists() else sorted(folder.iterdir())
    return [_read(one) for one in found if (one / "corpus.jsonl").exists()]


def ndcg(ranking: Sequence[str], judged: Judgements, depth: int = 10) -> float:
    """Normalised discounted cumulative gain with linear gains, as trec_eval and BEIR compute it."""
    gained = sum(judged.get(id_, 0) / math.log2(place + 2) for place, id_ in enumerate(ranking[:depth]))
    best = sorted(judged.values(), reverse=True)[:depth]
    ideal = sum(grade / math.log2(place + 2) for place, grade in enumerate(best))
    return gained / ideal if ideal else 0.0


def recall(ranking: Sequence[str], judged: Judgements, depth: int) -> float:
    relevant = {id_ for id_, grade in judged.items() if grade > 0}
    return len(relevant & set(ranking[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], judged: Judgements, depth: int = 10) -> float:
    return next((1 / (i + 1) for i, id_ in enumerate(ranking[:depth]) if judged.get(id_, 0) > 0), 0.0)


def documents_of(passages: Sequence[Passage]) -> list[str]:
    """Documents in the order of their best passage."""
    return list(dict.fromkeys(passage.document_id for passage in passages))


def _read(folder: Path) -> Collection:
    documents = {row["_id"]: (row.get("title") or "", row["text"]) for row in _rows(folder / "corpus.jsonl")}
    judgements: dict[str, dict[str, int]] = {}
    lines = (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
    for question_id, document_id, grade in (line.split("\t") for line in lines):
        judgements.setdefault(question_id, {})[document_id] = int(grade)
    texts = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    questions = {id_: text for id_, text in texts.items() if any(judgements.get(id_, {}).values())}
    return Collection(name=folder.name, documents=documents, questions=questions, judgements=judgements)


def _rows(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _document(document_id: str, title: str) -> Document:
    url = f"https://example.com/{document_id}"
    return document(document_id=document_id, url=url, title=title, source="beir")
