"""Values of intents: one question, the patterns that recognise it, and what is said to it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from candor.answering.phrases import LANGUAGES
from candor.entries import Entry
from candor.errors import Fault, Invalid
from candor.intents.patterns import checked

MOST: Final = 200
"""Intents."""

MOST_PATTERNS: Final = 20
LONGEST_ANSWER: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """A fixed answer. In an answer `{app_name}` and `{greeting}` stand for the settings of these names."""

    intent_id: str
    key: str
    patterns: str | tuple[str, ...]
    """One, or several; shown as it was given."""
    answer: str
    translations: Mapping[str, str] = field(default_factory=dict)
    """The answer by language, for those who ask in another than it is in."""
    enabled: bool = True
    sort_order: int = 0
    """The first that matches answers."""

    @property
    def alternatives(self) -> tuple[str, ...]:
        return (self.patterns,) if isinstance(self.patterns, str) else self.patterns

    def said(self, language: str) -> str:
        """The answer for who writes in this language."""
        return self.translations.get(language) or self.answer

    @classmethod
    def of(cls, entry: Entry) -> Self:
        content = entry.content
        patterns = content["patterns"]
        return cls(
            intent_id=entry.entry_id,
            key=entry.key,
            patterns=patterns if isinstance(patterns, str) else tuple(patterns),
            answer=content["answer"],
            translations=content.get("translations", {}),
            enabled=entry.enabled,
            sort_order=entry.sort_order,
        )


def read_patterns(patterns: str | Sequence[str]) -> str | list[str]:
    """Patterns as they are kept. `Invalid` naming each that is wrong, and what is wrong with it."""
    given = [patterns] if isinstance(patterns, str) else list(patterns)
    if not 0 < len(given) <= MOST_PATTERNS:
        raise _invalid("patterns", f"must be 1 to {MOST_PATTERNS} regular expressions")
    kept: list[str] = []
    faults: list[Fault] = []
    for number, pattern in enumerate(given):
        try:
            kept.append(checked(pattern))
        except ValueError as error:
            loc = ("body", "patterns") if isinstance(patterns, str) else ("body", "patterns", number)
            faults.append(Fault(loc=loc, msg=f"the pattern {error}"))
    if faults:
        first = faults[0]
        which = f"Pattern {first.loc[2]}" if len(first.loc) > 2 else "The pattern"
        raise Invalid(f"{which} {first.msg.removeprefix('the pattern ')}.", faults)
    return kept[0] if isinstance(patterns, str) else kept


def read_answer(answer: str) -> str:
    """An answer as it is kept: on as many lines as it has."""
    return _text("answer", answer)


def read_translations(translations: Mapping[str, str]) -> dict[str, str]:
    """Answers by language; a blank one is left out."""
    kept: dict[str, str] = {}
    for language, text in translations.items():
        if language not in LANGUAGES:
            raise _invalid("translations", f"may hold these languages: {', '.join(LANGUAGES)}")
        if text.strip():
            kept[language] = _text("translations", text)
    return kept


def content_of(patterns: Any, answer: Any, translations: Any) -> dict[str, Any]:
    """What is particular to an intent, as it is kept."""
    return {"patterns": patterns, "answer": answer, "translations": translations}


def _text(name: str, text: str) -> str:
    kept = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    if not kept:
        raise _invalid(name, "must say something")
    if len(kept) > LONGEST_ANSWER:
        raise _invalid(name, f"is longer than {LONGEST_ANSWER} characters")
    if any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in kept):
        raise _invalid(name, "holds a control character")
    return kept


def _invalid(name: str, half: str) -> Invalid:
    return Invalid(f"{name} {half}.", [Fault(loc=("body", name), msg=half)])
