"""
Reindex: how fast a new index is built beside the live one, step by step, and compared with the documents.

    python -m tests.benchmarks.bench_reindex [--pages 300] [--embedder wordllama|minilm|hash]

In one process, with embedded engines in a folder of their own and documents in memory. The pauses in which
other processes come to see a record are left out: they are seconds, however much there is to build.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from candor.adapters.embedded_embedder import PartEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.memory_search import HashEmbedder
from candor.documents import Draft
from candor.indexing.generations import Generation
from candor.indexing.shelves import Shelf
from candor.search import Embedder
from tests.benchmarks.bench_ingest import page
from tests.doubles.library import Library


def main() -> None:
    parser = argparse.ArgumentParser(description="Passages a second of building an index anew.")
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--embedder", choices=("wordllama", "minilm", "hash"), default="wordllama")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = _library(Path(folder), _embedder(options.embedder, Path(folder)))
        rng = random.Random(7)
        for number in range(options.pages):
            written = page(rng, number)
            library.documents.put(Draft(url=written["url"], title=written["title"], text=written["text"]))
        library.work()

        library.analyser = "anew"  # Both halves, then.
        library.new_reindexing().begin(embedder="new", dimensions=None, created_by="bench")
        started = time.perf_counter()
        library.work_until(lambda: library.live().embedder == "new")
        seconds = time.perf_counter() - started
        library.work()
        live = library.open(library.live())
        passages = sum(one.passages for one in live.vectors.stored())
        print(f"{options.embedder}: {options.pages} pages, {passages} passages in {seconds:.1f} s")
        print(f"{passages / seconds:.0f} passages/s, both halves and the comparison included")


def _embedder(name: str, folder: Path) -> Embedder:
    if name == "hash":
        return HashEmbedder(384)
    made = PartEmbedder("minilm" if name == "minilm" else "wordllama", folder / "models", threads=2)
    made.embed_question("warm")
    return made


def _library(folder: Path, new: Embedder) -> Library:
    library = Library()
    library.embedders["new"] = new  # type: ignore[assignment]

    def on_disk(generation: Generation) -> Shelf:
        return Shelf(
            generation=generation,
            keywords=EmbeddedKeywords(folder / generation.words),
            vectors=EmbeddedVectors(folder / generation.vectors, generation.dimensions),
            embedder=library.embedders[generation.embedder],
        )

    opened: dict[str, Shelf] = {}
    library.opens = lambda generation: opened.setdefault(generation.generation_id, on_disk(generation))
    return library


if __name__ == "__main__":
    main()
