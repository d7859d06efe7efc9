"""
Embedded embedder: MiniLM for English, WordLlama for everything else, no network.

The two speak different dialects within one space of 384 dimensions. A question is compared with passages
of its own dialect; against the other's its cosine is noise around 0, so a German question finds German
passages by meaning, and English ones by the words they share. Across languages it takes a multilingual
model (OpenAI's): say so where it matters.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from candor.adapters.minilm import DIMENSIONS, MiniLM
from candor.adapters.wordllama import DIMENSIONS as SMALLER_DIMENSIONS
from candor.adapters.wordllama import WordLlama
from candor.language import UNDETERMINED, detect, script_of
from candor.search import Passage, Vector, embedding_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ENGLISH: Final = frozenset({"en", UNDETERMINED})
"""Of text in Latin letters; a bare product name or error code is as good as English."""


_QUESTIONS_KEPT: Final = 2_048
"""
The same question is embedded to search, and again to compare it with what was found: whole, by sentence and
without the words that the answer lacks, some five texts of 2 KB and 2 ms each. What is asked often is asked
of a few hundred texts more, so that of 256 none was left when it was asked again.
"""


class EmbeddedEmbedder:
    """An `Embedder`. Nothing is loaded before the first text; `threads` go to the model."""

    def __init__(self, cache_path: Path | str, threads: int = 1) -> None:
        self._english = MiniLM(cache_path, threads=threads)
        self._others = WordLlama()
        self._asked = lru_cache(_QUESTIONS_KEPT)(self._question)

    @property
    def name(self) -> str:
        return "minilm-wordllama-1"

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        texts = [embedding_text(passage) for passage in passages]
        return self._embed(texts, [passage.language for passage in passages])

    def embed_question(self, question: str) -> Vector:
        return self._asked(question)

    def _question(self, question: str) -> Vector:
        return self._embed([question], [detect(question)])[0]

    def _embed(self, texts: Sequence[str], languages: Sequence[str]) -> list[Vector]:
        english = [_is_english(text, language) for text, language in zip(texts, languages, strict=True)]
        vectors: list[Vector] = [()] * len(texts)
        for model, chosen in ((self._english, True), (self._others, False)):
            rows = [row for row, is_english in enumerate(english) if is_english is chosen]
            if rows:
                embedded = model.embed([texts[row] for row in rows])
                for row, vector in zip(rows, _rows(_widened(embedded)), strict=True):
                    vectors[row] = vector
        return vectors


class PartEmbedder:
    """
    One half of the embedded embedder by itself, for every language: an `Embedder` of a space of its own.

    `minilm` understands English alone, and that better; `wordllama` is some forty times faster.
    """

    def __init__(
        self, part: Literal["minilm", "wordllama"], cache_path: Path | str, threads: int = 1
    ) -> None:
        self._part = part
        self._model: MiniLM | WordLlama = (
            MiniLM(cache_path, threads=threads) if part == "minilm" else WordLlama()
        )
        self._asked = lru_cache(_QUESTIONS_KEPT)(self._question)

    @property
    def name(self) -> str:
        return f"{self._part}-1"

    @property
    def dimensions(self) -> int:
        return DIMENSIONS if self._part == "minilm" else SMALLER_DIMENSIONS

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        return _rows(self._model.embed([embedding_text(passage) for passage in passages]))

    def embed_question(self, question: str) -> Vector:
        return self._asked(question)

    def _question(self, question: str) -> Vector:
        return _rows(self._model.embed([question]))[0]


def _is_english(text: str, language: str) -> bool:
    return language in _ENGLISH and script_of(text) in ("latin", UNDETERMINED)


def _widened(vectors: "NDArray[np.float32]") -> Any:
    """Zeros behind what a model leaves free: it changes no cosine within a dialect."""
    import numpy as np

    if vectors.shape[1] == DIMENSIONS:
        return vectors
    return np.pad(vectors, ((0, 0), (0, DIMENSIONS - vectors.shape[1])))


def _rows(vectors: "NDArray[np.float32]") -> list[Vector]:
    """As plain floats of four bytes: whoever computes with them one by one does so five times faster."""
    return [array("f", vector.tobytes()) for vector in vectors]
