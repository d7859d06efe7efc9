"""Shortcuts: the intents in force, asked for each message and read again within seconds of a change."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from candor.answering import asking
from candor.answering.phrases import LANGUAGES, phrase
from candor.answering.policy import Policies
from candor.entries import Following
from candor.intents.automaton import Automaton, Tired
from candor.intents.grammar import Node, read
from candor.intents.patterns import prepared
from candor.intents.service import Intents
from candor.intents.values import Intent
from candor.language import detect, script_of

logger = logging.getLogger(__name__)

_SECONDS: Final = 0.06
"""
For all intents together; a message of 60 characters takes a hundredth of a millisecond once its words have
been met. The first ones of a process on a slow machine take a thousand times that, and are not to be missed.
"""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The intents of one version that are switched on, made ready."""

    intents: tuple[Intent, ...]
    automaton: Automaton


class LiveShortcuts:
    """`candor.answering.service.Shortcuts`: answers an administrator has written. Raises nothing."""

    def __init__(
        self,
        *,
        intents: Intents,
        policies: Policies,
        ticks: Callable[[], float] = time.monotonic,
        seconds: float = _SECONDS,
    ) -> None:
        """`seconds`: of the thread's own time, for all intents together, at each message."""
        self._policies = policies
        self._seconds = seconds
        self._reading = Following(
            version=lambda: intents.version,
            make=lambda: _made(*intents.read()),
            first=lambda: _made(0, intents.seeds())[1],
            ticks=ticks,
        )

    def answer(self, text: str) -> str | None:
        """What the first enabled intent says that recognises the message; None where none does."""
        reading = self._reading()
        asked = prepared(text)
        if not asked:
            return None
        try:
            rank = reading.automaton.first(asked, seconds=self._seconds)
        except Tired:
            # The message is answered as if there were no intents. What was learnt of it stays, so that
            # the next one like it gets further.
            logger.warning("intents took too long", extra={"intents": len(reading.intents)})
            return None
        if rank >= len(reading.intents):
            return None
        language = _language(asked)
        return self._filled(reading.intents[rank].said(language), language)

    def _filled(self, answer: str, language: str) -> str:
        if "{" not in answer:
            return answer
        policy = self._policies()
        greeting = policy.greeting or phrase("greeting", language)
        # The greeting may name the assistant itself, and nothing else is filled in.
        return answer.replace("{greeting}", greeting).replace("{app_name}", policy.app_name)


def _made(version: int, intents: tuple[Intent, ...]) -> tuple[int, _Reading]:
    enabled = tuple(intent for intent in intents if intent.enabled)
    trees: list[tuple[Node, int]] = []
    for rank, intent in enumerate(enabled):
        for pattern in intent.alternatives:
            try:
                trees.append((read(pattern), rank))
            except ValueError:
                # Kept by a version of ours, or of Python, that took it.
                logger.warning("pattern not read", extra={"intent": intent.key})
    return version, _Reading(enabled, Automaton(trees))


def _language(text: str) -> str:
    """The language to reply in: that of the message, as far as it is one we have phrases of."""
    found = detect(text)
    if found in LANGUAGES:
        return found
    if greeted := asking.greeted_in(text):
        return greeted
    if script_of(text) == "cyrillic":
        return (
            "uk" if any(word in ("хто", "що") or set(word) & set("іїєґ") for word in _words(text)) else "ru"
        )
    return "en"


def _words(text: str) -> list[str]:
    return [word.strip("?!.,;: ") for word in text.casefold().split()]
