"""Writing by OpenAI, or by any server that speaks its chat completions."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from candor.adapters.openai_stream import listened
from candor.answering.models import Completion, Enough, Hear, Message, Usage, Wasted
from candor.errors import TooMany, Unavailable, UpstreamFailed
from candor.prices import Prices, cost

if TYPE_CHECKING:
    from openai import APIError, OpenAI

_FORMS: Final = ("json_schema", "json_object", "plain")
"""How a reply's shape is asked for, best first; servers that refuse one are asked for the next."""


_SILENT_AT_MOST: Final = 15.0
"""Seconds between two pieces of what is heard, and before the first: one may write for long, not hang."""

_LETTERS: Final = 4
"""Of a token, where a call was ended before the server told what it has cost."""


class OpenAIModel:
    """
    A `Model` behind `POST /chat/completions`.

    No tools, and no retries but one: a server that answers 400 to structured output, or to one of the
    parameters that models disagree on, is asked without it, within the same timeout. Both attempts are
    counted, and the process remembers, so that it happens once. What is heard is streamed; a server that
    does not stream is heard at its end.
    """

    def __init__(
        self,
        *,
        model: str,
        api_key: str,
        base_url: str = "",
        max_tokens: int = 2048,
        prices: Prices,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._model = model
        self._api_key = api_key
        self._base_url = base_url
        self._max_tokens = max_tokens
        self._prices = prices
        self._today = today
        self._form = 0
        self._limit = "max_completion_tokens"
        """The newer name; older servers know `max_tokens` only."""
        self._temperature = True
        self._streams = self._counts = True
        """Whether it streams, and then tells at the end what that has cost."""
        self._lock = Lock()
        self._opened: OpenAI | None = None

    @property
    def name(self) -> str:
        return self._model

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        timeout_seconds: float,
        hear: Hear | None = None,
        most_calls: int = 2,
    ) -> Completion:
        from time import monotonic

        from openai import APIError, BadRequestError

        ends = monotonic() + timeout_seconds
        for calls in (1, 2):
            left = ends - monotonic()
            if left <= 0.05:
                raise Unavailable("The language model did not answer in time.")
            try:
                completion = self._ask(messages, schema, left, hear)
                return replace(completion, usage=replace(completion.usage, calls=calls))
            except BadRequestError as error:
                if not self._yields(str(error)) or calls >= min(2, most_calls):
                    raise Wasted("The language model refused the request.", calls=calls) from error
            except APIError as error:
                failed = _translated(error)
                raise (Wasted(str(failed), calls=calls) if calls > 1 else failed) from error
            except UpstreamFailed as error:
                if calls == 1:
                    raise
                raise Wasted(str(error), calls=calls) from error
        raise AssertionError("unreachable")

    def open(self) -> None:
        """Load the library, which takes half a second, before there is anybody who would wait for it."""
        _ = self._client.chat.completions

    def close(self) -> None:
        """Give the connections back. The next call opens new ones."""
        with self._lock:
            client, self._opened = self._opened, None
        if client is not None:
            client.close()

    def _ask(
        self, messages: Sequence[Message], schema: Mapping[str, Any], timeout: float, hear: Hear | None
    ) -> Completion:
        more: dict[str, Any] = {self._limit: self._max_tokens}
        if self._temperature:
            more["temperature"] = 0
        form = _FORMS[self._form]
        if form == "json_schema":
            named = {"name": "answer", "strict": True, "schema": dict(schema)}
            more["response_format"] = {"type": "json_schema", "json_schema": named}
        elif form == "json_object":
            more["response_format"] = {"type": "json_object"}
        heard = hear if self._streams else None
        if heard is not None:
            more["stream"] = True
            if self._counts:
                more["stream_options"] = {"include_usage": True}
        said: Any = [{"role": each.role, "content": each.content} for each in messages]
        try:  # The library itself trips over an answer that is not JSON.
            answer = self._client.chat.completions.create(
                model=self._model,
                messages=said,
                timeout=timeout if heard is None else min(timeout, _SILENT_AT_MOST),
                **more,
            )
            if heard is None:
                text, used, enough = answer.choices[0].message.content or "", answer.usage, False
        except (AttributeError, TypeError, IndexError, ValueError) as error:
            raise UpstreamFailed("The language model answered something that cannot be read.") from error
        if heard is not None:
            text, used, enough = listened(answer, heard, timeout)
        if not text.strip() and not enough:
            # A refusal, or all tokens spent on reasoning.
            raise UpstreamFailed("The language model wrote nothing.")
        if hear is not None and heard is None:
            with suppress(Enough):
                hear(text)
        given, made = (used.prompt_tokens, used.completion_tokens) if used else (0, 0)
        if enough and not used:
            given, made = sum(len(each.content) for each in messages) // _LETTERS, len(text) // _LETTERS
        return Completion(
            text=text,
            usage=Usage(
                calls=1,
                input_tokens=given,
                output_tokens=made,
                cost_usd=cost(
                    self._prices, self._model, input_tokens=given, output_tokens=made, day=self._today()
                )
                if used or enough
                else None,
            ).of(self._model),
        )

    def _yields(self, complaint: str) -> bool:
        """Whether there is something to leave out that this complaint is about; it is, from now on."""
        said = complaint.lower()
        if ("stream_options" in said or "include_usage" in said) and self._counts:
            self._counts = False
            return True
        if "stream" in said and self._streams:
            self._streams = False
            return True
        if "temperature" in said and self._temperature:
            self._temperature = False
            return True
        if (
            "max_completion_tokens" in said or "max_tokens" in said
        ) and self._limit == "max_completion_tokens":
            self._limit = "max_tokens"
            return True
        about_form = any(
            word in said for word in ("response_format", "json_schema", "json_object", "schema", "json")
        )
        if about_form and self._form + 1 < len(_FORMS):
            self._form += 1
            return True
        return False

    @property
    def _client(self) -> "OpenAI":
        from openai import OpenAI

        with self._lock:
            if self._opened is None:
                self._opened = OpenAI(
                    api_key=self._api_key or "none",
                    base_url=self._base_url or None,
                    timeout=20.0,
                    max_retries=0,
                )
            return self._opened


def _translated(error: "APIError") -> Unavailable | TooMany | UpstreamFailed:
    """The library's error in our words; what it said may hold the request, so it stays behind."""
    status = getattr(error, "status_code", None)
    if status == 429:
        return TooMany("The language model is asked too often.", retry_after=5)
    if status is not None and 400 <= status < 500:
        return UpstreamFailed("The language model refused the request.")
    return Unavailable("The language model is not available right now.")
