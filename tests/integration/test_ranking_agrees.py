"""Ranking: the embedded engine and OpenSearch put the same passages in the same order."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.memory_search import MemoryKeywords
from candor.adapters.opensearch import OpenSearchKeywords
from candor.adapters.opensearch_client import OpenSearchEndpoint
from candor.search import Hit, KeywordIndex, Passage
from tests.doubles.passages import CORPUS, passage

SUBJECTS = (
    "server",
    "domain",
    "backup",
    "invoice",
    "password",
    "mailbox",
    "certificate",
    "database",
    "firewall",
)
VERBS = ("restore", "cancel", "renew", "transfer", "delete", "upgrade", "monitor", "secure")
FILLER = (
    "often",
    "quickly",
    "carefully",
    "panel",
    "button",
    "customer",
    "region",
    "network",
    "minute",
    "support",
)

QUESTIONS = (
    "How do I restore a backup of my database?",
    "cancel the invoice and delete the mailbox",
    "renewing certificates of a domain",
    "Is the firewall of a server monitored?",
    "transfer a domain quickly to another customer",
    "password",
    "Как вернуть деньги за хостинг?",
    "відновити копію",
)


def corpus() -> list[Passage]:
    """Four hundred passages of invented text, the same at every run."""
    choose = random.Random(7)
    made = []
    for number in range(400):
        words = choose.choices((*SUBJECTS, *VERBS), k=choose.randint(3, 9)) + choose.choices(FILLER, k=40)
        choose.shuffle(words)
        title = f"{choose.choice(VERBS)} {choose.choice(SUBJECTS)}" if number % 3 else ""
        made.append(
            passage(" ".join(words), document=f"d{number}", title=title, path=choose.choice(SUBJECTS))
        )
    return [*made, *CORPUS]


@pytest.mark.slow
def test_words_rank_alike_in_the_embedded_engine_in_opensearch_and_in_memory(
    opensearch_2: str, tmp_path: Path
) -> None:
    endpoint = OpenSearchEndpoint(url=opensearch_2, timeout_seconds=10)
    with closing(OpenSearchKeywords(endpoint, index_name="ranking")) as opensearch:
        embedded = EmbeddedKeywords(tmp_path / "words")
        memory = MemoryKeywords()
        indexes: list[KeywordIndex] = [embedded, opensearch, memory]
        for index in indexes:
            index.put(corpus())

        for question in QUESTIONS:
            first, second, third = (index.search(question, limit=500) for index in indexes)

            assert len(first) == len(second) == len(third) > 0
            # Engines keep a passage's length in one byte, rounding it alike; memory does not round.
            assert agreement(first, second) > 0.99, question
            assert agreement(first, third) > 0.95, question
            assert best(first) == best(second), question


def best(hits: list[Hit]) -> set[str]:
    """The best ten, and what scores as much as the tenth."""
    limit = round(hits[:10][-1].score, 3)
    return {hit.passage.passage_id for hit in hits if round(hit.score, 3) >= limit}


def agreement(left: list[Hit], right: list[Hit]) -> float:
    """The share of pairs both put in the same order (Kendall); equals count for both."""
    scores = {hit.passage.passage_id: hit.score for hit in right}
    pairs = agreed = 0
    for place, high in enumerate(left[:100]):
        for low in left[place + 1 : 100]:
            pairs += 1
            clearly = high.score - low.score > 1e-3
            reversed_ = scores[high.passage.passage_id] < scores[low.passage.passage_id] - 1e-3
            agreed += not (clearly and reversed_)
    return agreed / pairs if pairs else 1.0
