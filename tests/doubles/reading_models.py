"""Reading models: what a language model makes of the passages it is shown, at its best and at its worst."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from candor.answering.models import Completion, Hear, Message, Usage
from candor.answering.units import units

_PASSAGE = re.compile(r'<passage number="(\d+)"[^>]*>\n(.*?)\n(.*?)\n</passage>', re.S)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?![\w.,]*\d)")
_USAGE = Usage(calls=1, input_tokens=2_000, output_tokens=120, cost_usd=0.0)


class AttentiveModel:
    """
    Knows what a right answer holds, and says it in the words of the passages that hold it.

    Where they do not, it says that they do not: what it gets wrong or leaves unsaid is not its own fault.
    """

    name = "attentive"

    def __init__(self) -> None:
        self.wanted: Sequence[Sequence[str]] = ()
        """Of each inner list one regular expression is to be found; empty: nothing can be answered."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        timeout_seconds: float,
        hear: Hear | None = None,
        most_calls: int = 2,
    ) -> Completion:
        sentences: list[dict[str, Any]] = []
        for group in self.wanted:
            said = _holding(group, _shown(messages))
            if said is None:
                return _reply([], "ESCALATE")
            sentences.append(said)
        return _reply(sentences, "PASS" if sentences else "ESCALATE")


class CarelessModel:
    """
    Answers whatever is asked from the first passage, with one number changed, or a promise of its own.

    Nothing it says is true: what gets through was let through.
    """

    name = "careless"

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        timeout_seconds: float,
        hear: Hear | None = None,
        most_calls: int = 2,
    ) -> Completion:
        shown = _shown(messages)
        if not shown:
            return _reply([], "ESCALATE")  # It was asked for something else than an answer.
        number, _, text = shown[0]
        told = [unit.text for unit in units(text) if unit.kind in ("sentence", "item", "step", "row")]
        lie = next((said for said in told if _NUMBER.search(said)), None)
        if lie is None:
            lie = "You get this free of charge for 5 years."
        else:
            lie = _NUMBER.sub(lambda match: str(int(match.group()) + 17), lie, count=1)
        return _reply([{"text": lie, "passages": [number]}], "PASS")


def _shown(messages: Sequence[Message]) -> list[tuple[int, str, str]]:
    """The passages in the message: number, heading, text."""
    content = messages[1].content
    return [(int(number), heading, text) for number, heading, text in _PASSAGE.findall(content)]


def _holding(group: Sequence[str], shown: Sequence[tuple[int, str, str]]) -> dict[str, Any] | None:
    for number, _, text in shown:
        for unit in units(text):
            if any(re.search(fact, unit.text, re.I) for fact in group):
                said = f"```\n{unit.text}\n```" if unit.kind == "code" else unit.text
                return {"text": said, "passages": [number]}
    return None


def _reply(sentences: Sequence[Mapping[str, Any]], decision: str) -> Completion:
    missing = "" if sentences else "The passages do not say it."
    reply = {"sentences": sentences, "decision": decision, "question_back": "", "missing": missing}
    return Completion(text=json.dumps(reply), usage=_USAGE)
