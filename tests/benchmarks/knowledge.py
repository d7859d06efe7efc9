"""Knowledge for benchmarks: pages in the `pages` format, indexed as the product does it, and questions."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.answering.values import Turn
from candor.chunking import chunk
from candor.documents import Document, document_id_of
from candor.retrieval import Retrieval
from tests.doubles.passages import document

_ROOT = Path(__file__).parents[2]

DEMO_PAGES = (_ROOT / "infra/local/demo/hosting.json", _ROOT / "infra/local/demo/payments.json")

HELD_OUT = _ROOT / "infra/local/demo/questions.jsonl"
"""Questions nothing is fitted on."""

TALKS = _ROOT / "tests/data/answers/talks.jsonl"
"""Questions that lean on what was said before; nothing is fitted on them either."""

DEMO_TALKS = _ROOT / "infra/local/demo/talks.jsonl"
"""The same on the demo's pages, in six languages, as short as people write them."""

TO_FIT_ON = _ROOT / "tests/data/answers/questions.jsonl"
"""Other questions on the same pages."""

TRADES_PAGES = _ROOT / "tests/data/answers/trades.json"
TRADES = _ROOT / "tests/data/answers/trades.jsonl"
"""A telephone company, a shop, a software service, a university and a bank, each asked by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question with what a right answer to it looks like."""

    id: str
    text: str
    history: tuple[Turn, ...]
    answerable: bool
    expected_urls: tuple[str, ...]
    key_facts: tuple[tuple[str, ...], ...]
    """Of each inner group one regular expression has to be found."""
    must_not: tuple[str, ...]
    language: str
    company: str = ""
    """The host whose pages alone are there to answer it; empty: all of them."""

    def right(self, answer: str) -> bool:
        """Whether all facts asked for are in the answer, and nothing that must not be."""
        return all(
            any(re.search(fact, answer, re.I) for fact in group) for group in self.key_facts
        ) and not any(re.search(bad, answer, re.I) for bad in self.must_not)


class Served:
    """A `Truth` that serves the first version of everything but what is hidden."""

    def __init__(self) -> None:
        self.hidden: frozenset[str] = frozenset()

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        return {id_: 1 for id_ in document_ids if id_ not in self.hidden}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A searchable collection of pages."""

    retrieval: Retrieval
    embedder: EmbeddedEmbedder
    truth: Served
    urls: tuple[str, ...]
    passages: int

    def hide(self, urls: Iterable[str]) -> None:
        """As if these pages had never been written."""
        self.truth.hidden = frozenset(document_id_of(url) for url in urls)

    def foreign(self, asked: Asked) -> list[str]:
        """The pages of other companies than the one that is asked."""
        if not asked.company:
            return []
        return [url for url in self.urls if urlsplit(url).hostname != asked.company]

    def own(self, asked: Asked) -> list[str]:
        """All pages of the company that is asked: those on the host where the answer stands."""
        hosts = {asked.company} if asked.company else {urlsplit(url).hostname for url in asked.expected_urls}
        return [url for url in self.urls if urlsplit(url).hostname in hosts]


def pages_of(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The pages of one or several files: `{"pages": […]}` or a bare list."""
    pages: list[dict[str, Any]] = []
    for path in paths:
        loaded = json.loads(path.read_text("utf-8"))
        pages += loaded["pages"] if isinstance(loaded, dict) else loaded
    return pages


def development(folder: Path) -> list[tuple[Knowledge, list[Asked]]]:
    """What everything is fitted on: the demo's pages with other questions than its own, and the trades."""
    return [
        (knowledge(DEMO_PAGES, folder), questions([TO_FIT_ON])),
        (knowledge([TRADES_PAGES], folder), questions([TRADES])),
    ]


def knowledge(paths: Sequence[Path], folder: Path, *, model_cache: Path | None = None) -> Knowledge:
    """The pages, indexed in the folder; an index that is there already is used as it is."""
    embedder = EmbeddedEmbedder(model_cache or folder / "model", threads=2)
    name = "-".join(path.stem for path in paths)
    keywords = EmbeddedKeywords(folder / name)
    vectors = EmbeddedVectors(folder / name, embedder.dimensions)
    pages = pages_of(paths)
    passages = [passage for page in pages for passage in chunk(document_of(page), page["text"])]
    if next(vectors.stored(), None) is None:
        keywords.put(passages)
        vectors.put(passages, embedder.embed_passages(passages))
    truth = Served()
    retrieval = Retrieval(keywords=keywords, vectors=vectors, embedder=embedder, truth=truth)
    return Knowledge(retrieval, embedder, truth, tuple(page["url"] for page in pages), len(passages))


def document_of(page: Mapping[str, Any]) -> Document:
    return document(
        document_id=document_id_of(page["url"]),
        url=page["url"],
        title=page.get("title") or page["url"],
        doc_type=page.get("doc_type") or "other",
        source="benchmark",
    )


def questions(paths: Sequence[Path]) -> list[Asked]:
    """The questions of one or several JSON-lines files."""
    found = []
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            if not line.strip():
                continue
            row = json.loads(line)
            found.append(
                Asked(
                    id=str(row.get("id", len(found) + 1)),
                    text=row["question"],
                    history=tuple(
                        Turn(role=t["role"], content=t["content"]) for t in row.get("history") or ()
                    ),
                    answerable=bool(row["answerable"]),
                    expected_urls=tuple(row.get("expected_urls") or ()),
                    key_facts=tuple(tuple(group) for group in row.get("key_facts") or ()),
                    must_not=tuple(row.get("must_not") or ()),
                    language=row.get("lang") or row.get("language") or "en",
                    company=row.get("company") or "",
                )
            )
    return found
