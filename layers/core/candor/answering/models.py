"""Models: what answering asks of a language model, and how its reply is read."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from candor.answering.values import Turn
from candor.errors import UpstreamFailed
from candor.search import Passage


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What calls have cost. `cost_usd` is None once a call's price is not known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    by_model: Mapping[str, "Usage"] = field(default_factory=dict, compare=False)
    """The same for each model that was named."""

    def of(self, model: str) -> "Usage":
        """The same, and this model's."""
        return replace(self, by_model={model: replace(self, by_model={})})

    def __add__(self, other: "Usage") -> "Usage":
        unknown = self.cost_usd is None or other.cost_usd is None
        names = dict.fromkeys((*self.by_model, *other.by_model))
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
            by_model={
                name: self.by_model.get(name, Usage()) + other.by_model.get(name, Usage()) for name in names
            },
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message to a model."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What a model wrote, not yet trusted."""

    text: str
    usage: Usage


class Wasted(UpstreamFailed):
    """No text, and more than one call spent on finding that out."""

    def __init__(self, sentence: str, *, calls: int) -> None:
        super().__init__(sentence)
        self.calls = calls


class Enough(Exception):
    """Raised by who hears a reply: no more of it is needed."""


Hear = Callable[[str], None]
"""Hears a reply piece by piece. `Enough` ends the call: the server finds its connection closed."""


class Model(Protocol):
    """A language model without tools."""

    @property
    def name(self) -> str: ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        timeout_seconds: float,
        hear: Hear | None = None,
        most_calls: int = 2,
    ) -> Completion:
        """
        One call, done within the timeout; two when a server refuses the first one's form (`Usage.calls`),
        and `most_calls` allows it.

        The text should be JSON of the schema; nobody relies on it. `hear` is given it in pieces as the server
        writes them; once that raises `Enough` the text is what was heard, and its usage estimated where the
        server has not told. Raises `Unavailable`, `TooMany` or `UpstreamFailed` when there is no text to be
        had, or not all of it, whatever was heard before.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One sentence of a model, and the passages (counted from 0) it says support it."""

    text: str
    passages: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """A model's reply, read. Its decision is advice."""

    claims: tuple[Claim, ...]
    decision: str
    question_back: str
    missing: str


class Unreadable(Exception):
    """The reply is not what was asked for. The text says what is wrong with it."""


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sentences", "decision", "question_back", "missing"],
    "properties": {
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text", "passages"],
                "properties": {
                    "text": {"type": "string"},
                    "passages": {"type": "array", "items": {"type": "integer"}},
                },
            },
        },
        "decision": {"type": "string", "enum": ["PASS", "ASK_USER", "ESCALATE"]},
        "question_back": {"type": "string"},
        "missing": {"type": "string"},
    },
}

MOST_SENTENCES = 24
_LONGEST_SENTENCE = 2_000


@cache
def prompt(name: str) -> str:
    """The instructions in `prompts/<name>.md`."""
    return (Path(__file__).parent.parent / "prompts" / f"{name}.md").read_text("utf-8")


def prompt_version(house_rules: str = "") -> str:
    """A hash of all that instructs the model, so that an answer can be traced to it."""
    whole = "\0".join((prompt("answer"), prompt("repair"), house_rules))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:12]


def instructions(*, app_name: str, language: str, house_rules: str = "") -> str:
    """The system message."""
    text = (
        prompt("answer")
        .replace("{app_name}", app_name)
        .replace("{language}", _LANGUAGES.get(language, language))
    )
    return f"{text}\nHouse rules:\n{house_rules.strip()}\n" if house_rules.strip() else text


_LANGUAGES = {
    "en": "English",
    "ru": "Russian",
    "uk": "Ukrainian",
    "de": "German",
    "es": "Spanish",
    "vi": "Vietnamese",
    "fr": "French",
    "pl": "Polish",
    "it": "Italian",
    "pt": "Portuguese",
}


def briefing(
    question: str, *, history: Sequence[Turn], passages: Sequence[Passage], characters: int = 12_000
) -> str:
    """The user message: passages, talk and question, each inside a fence it cannot close."""
    parts = ["Passages:"]
    room = characters
    for number, passage in enumerate(passages, start=1):
        text = passage.text[: max(0, room)]
        room -= len(text)
        if not text:
            break
        heading = " › ".join(part for part in (passage.title, passage.path) if part)
        parts.append(
            f'<passage number="{number}" type="{fenced(passage.doc_type)}">\n'
            f"{fenced(heading)}\n{fenced(text)}\n</passage>"
        )
    if history:
        parts.append("The talk so far:")
        parts.extend(
            f'<turn role="{turn.role}">{fenced(turn.content[:1_000])}</turn>' for turn in history[-6:]
        )
    parts.append(f"<question>\n{fenced(question)}\n</question>")
    return "\n".join(parts)


_TAGS = re.compile(r"<(?=\s*/?\s*(?:passage|turn|question)\b)", re.I)


def fenced(text: str) -> str:
    """A text that closes no fence of a briefing."""
    return _TAGS.sub("‹", text)


def read(text: str, *, passages: int) -> Writing:
    """A model's reply as a value; `Unreadable` with the reason. Numbers of passages are checked."""
    loaded = _loaded(text)
    if not isinstance(loaded, dict):
        raise Unreadable("it is not a JSON object")
    sentences = loaded.get("sentences")
    if not isinstance(sentences, list):
        raise Unreadable("`sentences` is not a list")
    claims = tuple(claim_of(item, passages=passages) for item in sentences[:MOST_SENTENCES])
    decision = loaded.get("decision")
    if decision not in ("PASS", "ASK_USER", "ESCALATE"):
        raise Unreadable("`decision` is none of PASS, ASK_USER, ESCALATE")
    return Writing(
        claims=tuple(claim for claim in claims if claim.text),
        decision=decision,
        question_back=_string(loaded.get("question_back")),
        missing=_string(loaded.get("missing")),
    )


def claim_of(item: object, *, passages: int) -> Claim:
    """One sentence of a reply, its text perhaps empty; `Unreadable` for anything else."""
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise Unreadable("a sentence has no `text`")
    cited = item.get("passages")
    numbers = (
        [number for number in cited if isinstance(number, int) and not isinstance(number, bool)]
        if isinstance(cited, list)
        else []
    )
    return Claim(
        text=item["text"].strip()[:_LONGEST_SENTENCE],
        passages=tuple(dict.fromkeys(n - 1 for n in numbers if 1 <= n <= passages)),
    )


def _string(value: object) -> str:
    return value.strip()[:500] if isinstance(value, str) else ""


def _loaded(text: str) -> object:
    """JSON, also inside a code fence or with words around it."""
    if not text.strip():
        raise Unreadable("it is empty")
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise Unreadable("there is no JSON object in it")
    try:
        return json.loads(text[start : end + 1])
    except (ValueError, RecursionError) as error:
        raise Unreadable("the JSON is broken") from error
