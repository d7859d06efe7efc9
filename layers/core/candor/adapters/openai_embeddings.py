"""Embeddings by OpenAI, or by any server that speaks its API."""

import math
import random
import re
import time
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from candor.errors import Invalid, Unavailable
from candor.search import Passage, Vector, embedding_text

if TYPE_CHECKING:
    from openai import APIError, OpenAI

TEXTS_AT_ONCE: Final = 128
"""The API takes 2,048; smaller servers far fewer."""

CHARACTERS_AT_ONCE: Final = 200_000
"""No more tokens than characters in any usual writing, and 300,000 tokens are the API's limit."""

CHARACTERS_OF_A_TEXT: Final = 8_000
"""Of 8,192 tokens. What is cut off is the end of a passage forty times the usual length."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 8.0


class OpenAIEmbeddings:
    """
    An `Embedder` behind `POST /embeddings`.

    `dimensions` is the length of the vectors; it is only sent along with `shorten`, because most
    models have one length and refuse the parameter. Passages are worth waiting for: a busy server
    (429, 5xx) is asked again for `patience_seconds`. A question is not: all of it, a second attempt
    included, takes `timeout_seconds` at most. Vectors leave normalised, whatever the server does.
    """

    def __init__(
        self,
        *,
        model: str,
        dimensions: int,
        api_key: str,
        base_url: str = "",
        shorten: bool = False,
        timeout_seconds: float = 3.0,
        patience_seconds: float = 30.0,
    ) -> None:
        self._model = model
        self._dimensions = dimensions
        self._api_key = api_key
        self._base_url = base_url
        self._shorten = shorten
        self._timeout = timeout_seconds
        self._patience = patience_seconds
        self._lock = Lock()
        self._opened: OpenAI | None = None

    @property
    def name(self) -> str:
        """The model's name in the letters an index's name may have."""
        return re.sub(r"[^a-z0-9]+", "-", self._model.lower()).strip("-")

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def measured(self) -> int:
        """
        How long this model's vectors are, found out by one call. `Invalid` if the server has no such model.

        Made with `dimensions=0`, any length is right; with `shorten`, the length that was asked for.
        """
        from openai import APIError, APIStatusError

        try:
            return len(self._ask(["probe"], self._timeout)[0])
        except APIStatusError as error:
            if error.status_code in (400, 404, 422):
                raise Invalid(
                    f"The embedding server does not take the model {self._model!r} "
                    f"(or not with these dimensions): it answered {error.status_code}."
                ) from error
            raise _translated(error) from error
        except APIError as error:
            raise _translated(error) from error

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        vectors: list[Vector] = []
        for texts in _batches([embedding_text(passage) for passage in passages]):
            vectors.extend(self._embed(texts, patience=self._patience, timeout=self._patience))
        return vectors

    def embed_question(self, question: str) -> Vector:
        (vector,) = self._embed([_cut(question)], patience=self._timeout, timeout=self._timeout)
        return vector

    def close(self) -> None:
        """Give the connections back. The next call opens new ones."""
        with self._lock:
            client, self._opened = self._opened, None
        if client is not None:
            client.close()

    def _embed(self, texts: list[str], *, patience: float, timeout: float) -> list[Vector]:
        from openai import APIError

        deadline = time.monotonic() + patience
        pause = min(FIRST_PAUSE, patience / 4)
        while True:
            try:
                return self._ask(texts, min(timeout, deadline - time.monotonic()))
            except APIError as error:
                wait = max(pause * random.uniform(0.5, 1.5), _asked_to_wait(error))  # noqa: S311 - spread, not secrecy.
                if not _is_passing(error) or time.monotonic() + wait >= deadline:
                    raise _translated(error) from error
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _ask(self, texts: list[str], timeout: float) -> list[Vector]:
        more: dict[str, Any] = {"dimensions": self._dimensions} if self._shorten and self._dimensions else {}
        client = self._client
        try:  # The library itself trips over an answer that is not JSON.
            answer = client.embeddings.create(
                model=self._model, input=texts, timeout=max(timeout, 0.05), **more
            )
            rows = sorted(answer.data, key=lambda row: row.index)
            vectors = [self._normalised(row.embedding) for row in rows]
        except (AttributeError, TypeError) as error:
            raise Unavailable("The embedding server answered something that cannot be read.") from error
        if len(vectors) != len(texts):
            raise Unavailable("The embedding server answered with another number of vectors than asked for.")
        return vectors

    def _normalised(self, vector: Sequence[float]) -> Vector:
        if self._dimensions and len(vector) != self._dimensions:
            raise Unavailable(f"The embedding model gives {len(vector)} dimensions, not {self._dimensions}.")
        length = math.sqrt(sum(value * value for value in vector))
        if not math.isfinite(length) or length == 0.0:
            raise Unavailable("The embedding server answered with a vector that points nowhere.")
        return [value / length for value in vector]

    @property
    def _client(self) -> "OpenAI":
        from openai import OpenAI

        with self._lock:
            if self._opened is None:
                # It counts attempts, we count seconds: its own retries are off.
                self._opened = OpenAI(
                    api_key=self._api_key,
                    base_url=self._base_url or None,
                    timeout=self._timeout,
                    max_retries=0,
                )
            return self._opened


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in map(_cut, texts):
        if batch and (len(batch) == TEXTS_AT_ONCE or size + len(text) > CHARACTERS_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _cut(text: str) -> str:
    """Nothing at all is refused; a blank is not."""
    return text[:CHARACTERS_OF_A_TEXT] or " "


def _is_passing(error: "APIError") -> bool:
    """Whether the same request may succeed soon. An account without money is not busy."""
    from openai import APIConnectionError, APIStatusError

    if isinstance(error, APIStatusError):
        return error.code != "insufficient_quota" and error.status_code in (408, 409, 429, 500, 502, 503, 504)
    return isinstance(error, APIConnectionError)


def _asked_to_wait(error: "APIError") -> float:
    from openai import APIStatusError

    if not isinstance(error, APIStatusError):
        return 0.0
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "0")))
    except ValueError:  # A date: then our own pause will do.
        return 0.0


def _translated(error: "APIError") -> Unavailable:
    """In our words, without the server's own: they can quote what was embedded."""
    from openai import APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        return Unavailable("The embedding server did not answer in time.")
    if isinstance(error, APIStatusError):
        wait = math.ceil(_asked_to_wait(error)) or 5
        return Unavailable(f"The embedding server answered {error.status_code}.", retry_after=min(wait, 300))
    return Unavailable("The embedding server cannot be reached, or answered what cannot be read.")
