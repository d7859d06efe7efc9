"""
Processes of the embedded engine, for tests that kill them: `embedded_processes.py ROLE FOLDER SEED`.

`write` puts versions of random documents into both indexes, each version whole in one put, forgets the
ones before, and prints `document version` when a put has returned. `read` looks at both indexes until it
is told to stop, and prints what nobody should ever see.
"""

import random
import sys
from pathlib import Path

from candor.adapters import embedded_vectors
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.search import Hit, KeywordIndex, Passage, Vector, VectorIndex

DOCUMENTS = 20
PASSAGES = 5
DIMENSIONS = 16


def version_of(document: int, version: int) -> list[Passage]:
    return [
        Passage(
            document_id=f"d{document}",
            version=version,
            ordinal=ordinal,
            title=f"about{document}",
            path="",
            text=f"state{document}x{version} part{ordinal}",
            url="https://example.com",
            doc_type="faq",
            source="api",
            language="en",
        )
        for ordinal in range(PASSAGES)
    ]


def direction_of(document: int) -> Vector:
    vector = [0.05] * DIMENSIONS
    vector[document % DIMENSIONS] = 1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]


def opened(folder: Path) -> tuple[KeywordIndex, VectorIndex]:
    return EmbeddedKeywords(folder), EmbeddedVectors(folder, DIMENSIONS)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write(folder: Path, seed: str) -> None:
    """Each writer has documents of its own (its seed says which), as workers of a queue do."""
    embedded_vectors._DEAD_WORTH_A_MOVE = 20  # Compact every few puts, so that kills fall into it too.
    keywords, vectors = opened(folder)
    first, start = (int(part) for part in seed.split(":"))
    chance = random.Random(seed)
    version = start
    while True:
        version += 1
        document = first + 2 * chance.randrange(DOCUMENTS // 2)
        passages = version_of(document, version)
        keywords.put(passages)
        vectors.put(passages, [direction_of(document)] * PASSAGES)
        say(f"{document} {version}")
        keywords.forget(f"d{document}", keep_version=version)
        vectors.forget(f"d{document}", keep_version=version)


def read(folder: Path) -> None:
    keywords, vectors = opened(folder)
    looks = 0
    while not (folder / "stop").exists():
        for document in range(DOCUMENTS):
            for fault in (
                torn(keywords.search(f"about{document}", limit=100), document),
                torn(vectors.search(direction_of(document), limit=3), None),
            ):
                if fault:
                    say(f"torn {fault}")
        for index in (keywords, vectors):
            for stored in index.stored():
                if stored.passages != PASSAGES:
                    say(f"torn {stored}")
        looks += 1
    say(f"looks {looks}")


def torn(hits: list[Hit], document: int | None) -> str:
    """What is wrong with what was found: text of another version, a stranger, or half a version."""
    for hit in hits:
        p = hit.passage
        if p.text != f"state{p.document_id[1:]}x{p.version} part{p.ordinal}":
            return f"mixed {p}"
        if document is not None and p.document_id != f"d{document}":
            return f"strange {p}"
    return ""


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3])
    else:
        read(Path(sys.argv[2]))
