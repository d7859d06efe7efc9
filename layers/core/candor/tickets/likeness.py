"""
Likeness: whether two lessons are the same problem solved the same way.

Strict on purpose: folding two that differ loses one of them, not folding two that are alike costs a passage.
Every number, price, name, address, command and negation of the resolution has to be the same, nearly all of
its words, and the problem has to be told in part with the same words.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from candor import language
from candor.analysis import passage_terms
from candor.tickets.distilling import Lesson

ANSWER_ALIKE: Final = 0.86
"""Share of the pairs of words of both resolutions that both have."""

PROBLEM_ALIKE: Final = 0.3
"""Share of the shorter problem's words that the other has as well, titles included."""

_BANDS, _ROWS = 4, 3
"""Of two resolutions that share .86 of their pairs, 98 % meet in a band, of two that share .4, 23 %."""

_MOST_PAIRS: Final = 400
_PRIME: Final = (1 << 61) - 1
_SEEDS: Final = tuple(
    (int.from_bytes(hashlib.sha256(f"{number}a".encode()).digest()[:7]), number * 7_919 + 13)
    for number in range(_BANDS * _ROWS)
)

_STEP: Final = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*+•])\s+", re.M)
_CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.S)
_FACT: Final = re.compile(
    r"(?:https?://|www\.)\S+|(?<!\w)/[\w./-]+|[\w-]+(?:[.@:][\w-]+)+|[$€£₴₽]\s?\d[\d.,]*|\d[\d.,:%]*\w*|\w*\d\w*"
)
_PROPER: Final = re.compile(r"(?<=[a-zа-яёіїєґäöüßáéíóúñ,;:>›→(\d] )[A-ZА-ЯЁІЇЄҐÄÖÜ][\w-]*")
_TURNING_LISTED: Final = """
    not no never cannot can't don't without only enable disable enabled disabled on off allow deny block
    unblock add remove increase decrease raise lower start stop monthly yearly annual annually weekly
    daily free paid before after first last open close up down more less old new accept refuse cancel
    renew upgrade downgrade inbound outbound incoming outgoing public private install uninstall activate
    deactivate не нет ни без только включить выключить отключить добавить удалить увеличить уменьшить
    ежемесячно ежегодно нельзя можно до после бесплатно платно открыть закрыть запретить разрешить ні
    лише увімкнути вимкнути додати видалити збільшити зменшити щомісяця щороку безкоштовно можна nicht
    kein keine nie ohne nur aktivieren deaktivieren hinzufügen entfernen löschen erhöhen senken monatlich
    jährlich kostenlos kostenpflichtig vor nach öffnen schließen erlauben verbieten nunca sin solo sólo
    activar desactivar añadir eliminar quitar aumentar reducir mensual anual gratis antes después abrir
    cerrar permitir bloquear
"""
_TURNING: Final = frozenset(_TURNING_LISTED.split())
"""Words that turn a sentence into another: where one stands in one lesson only, they are two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Print:
    """What is kept of a lesson to compare it with others: some 3 KB at most."""

    facts: str
    """A digest of all that has to be equal."""
    pairs: frozenset[int]
    """Hashes of the resolution's neighbouring words."""
    problem: frozenset[int]
    """Hashes of the words of title and problem."""

    @property
    def digest(self) -> str:
        """Equal for equal lessons."""
        told = repr((self.facts, sorted(self.pairs), sorted(self.problem)))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def bands(self) -> tuple[str, ...]:
        """Keys under which resolutions meet that share most of their pairs, and have the same facts."""
        rows = [min((a * pair + b) % _PRIME for pair in self.pairs or {0}) for a, b in _SEEDS]
        return tuple(
            hashlib.sha256(
                repr((band, self.facts, rows[band * _ROWS : (band + 1) * _ROWS])).encode()
            ).hexdigest()[:24]
            for band in range(_BANDS)
        )

    def as_fields(self) -> dict[str, Any]:
        return {"facts": self.facts, "pairs": sorted(self.pairs), "problem": sorted(self.problem)}

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Print":
        return cls(
            facts=fields["facts"], pairs=frozenset(fields["pairs"]), problem=frozenset(fields["problem"])
        )


def print_of(lesson: Lesson) -> Print:
    """The print of a lesson. A millisecond."""
    told = language.detect(f"{lesson.problem}\n{lesson.resolution}")
    plain = _STEP.sub("", lesson.resolution)
    small = plain.lower()
    facts = [
        *(" ".join(code.strip("`\n ").split()) for code in _CODE.findall(plain)),
        *(fact.rstrip(".,:;").lower() for fact in _FACT.findall(plain)),
        *_PROPER.findall(plain),
        *(word for word in re.findall(r"[\w'’]+", small) if word in _TURNING),
    ]
    words = [term for term in passage_terms(plain, told) if term not in language.stop_words(told)]
    pairs = [f"{one} {other}" for one, other in pairwise(words)] or words
    ignored = language.stop_words(told)
    asked = [term for term in passage_terms(f"{lesson.title}\n{lesson.problem}", told) if term not in ignored]
    return Print(
        facts=hashlib.sha256(repr((told, sorted(facts))).encode("utf-8", "surrogatepass")).hexdigest()[:16],
        pairs=_hashes(pairs[:_MOST_PAIRS]),
        problem=_hashes(asked[:100]),
    )


def alike(one: Print, other: Print) -> bool:
    """Whether one document is enough for both."""
    if one.facts != other.facts:
        return False
    answers = len(one.pairs & other.pairs) / max(1, len(one.pairs | other.pairs))
    shorter = min(len(one.problem), len(other.problem))
    problems = len(one.problem & other.problem) / max(1, shorter)
    return answers >= ANSWER_ALIKE and problems >= PROBLEM_ALIKE


def _hashes(words: Iterable[str]) -> frozenset[int]:
    return frozenset(
        int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest())
        for word in words
    )
