"""Words: the terms of a question, what they weigh, and when two of them are the same."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from candor.analysis import fold as analysis_fold
from candor.answering.data import data
from candor.stemming import stemmer

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_IDENTIFIER = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]++(?:[-_./:][A-Za-z0-9]++)+|[A-Za-z]++\d\w*+|\d++[A-Za-z]\w*+)"
)


@cache
def stop_words() -> frozenset[str]:
    """Words that say nothing about the subject, in six languages."""
    return frozenset(word for line in data("vocabulary")["stop"] for word in line.split())


@cache
def general_words() -> frozenset[str]:
    """Words of any support question; their absence from a passage proves little."""
    return frozenset(word for line in data("vocabulary")["general"] for word in line.split())


@cache
def _dates() -> frozenset[str]:
    """Months and days of the week: written large in English, and no names of anything."""
    return frozenset(word for line in data("vocabulary")["calendar"] for word in line.split())


@cache
def _places(language: str) -> frozenset[str]:
    """The stems of countries and cities: an answer may hold for one without naming it."""
    return frozenset(
        stem(fold(word), language) for line in data("vocabulary")["places"] for word in line.split()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One word of a question. `weight` is what its absence from the evidence costs."""

    word: str
    """Folded, not stemmed: the stem depends on the language of what it is compared with."""
    weight: float
    name: bool
    """A proper name, identifier or number: nothing else can stand for it."""
    place: bool = False
    """A country or city: "outside the EU" may be said of it."""


def fold(text: str) -> str:
    """Case, width and apostrophes made equal."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("ё", "е")


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """The stem of a folded word: by its letters first, so that English names in Russian text keep theirs."""
    word = word.removesuffix("'s").replace("'", "")
    if not word or word[0].isdigit():
        return word
    cyrillic = "\u0400" <= word[0] <= "\u04ff"
    if cyrillic:
        language = "uk" if language == "uk" else "ru"
    elif language in ("ru", "uk", "und"):
        language = "en"
    strip = stemmer(language)
    folded = analysis_fold(word)
    return strip(folded) if strip else folded


@cache
def _groups(language: str) -> dict[str, frozenset[str]]:
    """Each stem's equals, in the stems of a language."""
    groups: dict[str, frozenset[str]] = {}
    for line in data("vocabulary")["same"]:
        group = frozenset(stem(fold(word).replace("-", ""), language) for word in line.split())
        for member in group:
            groups[member] = groups.get(member, frozenset()) | group
    return groups


@cache
def _general_stems(language: str) -> frozenset[str]:
    return frozenset(stem(fold(word), language) for word in general_words())


def tokens(text: str) -> list[str]:
    """Folded words in order, stop words included."""
    return _WORD.findall(fold(text))


_ENDING = re.compile(r"(?<![\w.])\.[^\W\d_]{2,12}\b")


def identifiers(text: str) -> list[str]:
    """What is joined of letters, digits and signs ("vps-8", "e2210"), and endings (".de"), folded."""
    folded = fold(text)
    return [*_IDENTIFIER.findall(folded), *_ENDING.findall(folded)]


@dataclass(frozen=True, slots=True)
class Bag:
    """The informative words of a text: what a term is looked for in."""

    stems: frozenset[str]
    language: str

    @classmethod
    def of(cls, text: str, language: str) -> "Bag":
        return _bag(text, language)

    def __or__(self, other: "Bag") -> "Bag":
        return Bag(self.stems | other.stems, self.language)

    def has(self, term: "Term") -> bool:
        """Whether the term stands here. Names and identifiers must: "XRechnung" is no "Rechnung"."""
        return self.holds(term.word, loosely=not term.name)

    def holds(self, word: str, *, loosely: bool = True) -> bool:
        """Whether this folded word stands here, or one that stands for the same; loosely: or a part of it."""
        form = sought(word, self.language)
        if not self.stems.isdisjoint(form.equals):
            return True
        wanted = form.stem
        if len(wanted) < 5 or wanted[0].isdigit():
            return False
        if not loosely:
            return any(other.startswith(wanted) and len(other) - len(wanted) <= 3 for other in self.stems)
        # Unequal stems of one word, and compounds: "config" and "configuration", "Rechnungsadresse". Asked
        # some thousand times an answer: looked for in one text and by hash, not stem by stem.
        listed = _listed(self.stems)
        return (
            f"\n{wanted}" in listed
            or not self.stems.isdisjoint(form.beginnings)
            or (
                self.language == "de"
                and (wanted in listed or any(len(other) >= 5 and other in wanted for other in self.stems))
            )
        )


@lru_cache(maxsize=4_096)
def _bag(text: str, language: str) -> Bag:
    """Kept, because what is asked often is answered from the same few passages: some 3 KB each."""
    folded = fold(text)
    ignored = stop_words()
    found = {stem(word, language) for word in _WORD.findall(folded) if word not in ignored}
    found.update(identifiers(folded))
    return Bag(frozenset(found), language)


@lru_cache(maxsize=4_096)
def _listed(stems: frozenset[str]) -> str:
    return "".join(f"\n{stem}" for stem in stems)


@dataclass(frozen=True, slots=True)
class Sought:
    """A word as it is looked for in the bags of one language."""

    stem: str
    equals: frozenset[str]
    """Itself, its stem, and what stands for the same."""
    beginnings: frozenset[str]
    """Of its stem, five letters and more."""


@lru_cache(maxsize=10_000)
def sought(word: str, language: str) -> Sought:
    wanted = stem(word, language)
    return Sought(
        stem=wanted,
        equals=frozenset((wanted, word)) | _groups(language).get(wanted, frozenset()),
        beginnings=frozenset(wanted[:end] for end in range(5, len(wanted))),
    )


def terms(question: str, *, language: str = "en") -> tuple[Term, ...]:
    """The informative words of a question, each stem once, in order."""
    return _terms(question, language)


@lru_cache(maxsize=256)
def _terms(question: str, language: str) -> tuple[Term, ...]:
    # Kept, because half a dozen steps of one answer look at the same question.
    seen: dict[str, Term] = {}
    shouting = question.isupper()
    normal = unicodedata.normalize("NFKC", question)
    for match in _WORD.finditer(normal):
        raw = match.group()
        word = fold(raw)
        if word in stop_words() or word.replace("'", "") in stop_words():
            continue
        stemmed = stem(word, language)
        if stemmed in seen or not stemmed:
            continue
        before = normal[: match.start()].rstrip(" \t\"'«“(*_`")
        opens = not before or before[-1] in ".!?:;\n…"
        place = stemmed in _places(language)
        name = (
            not shouting
            and word not in _dates()
            and (
                any(letter.isdigit() for letter in raw)
                or any(letter.isupper() for letter in raw[1:])
                or (raw[:1].isupper() and not opens and language != "de")
            )
        )
        general = not name and (word in general_words() or stemmed in _general_stems(language))
        weight = 0.6 if word.isdigit() else 1.6 if name else 0.25 if general else 1.0
        if len(word) == 1 and not name:
            weight = 0.1
        seen[stemmed] = Term(word=word, weight=weight, name=name, place=place)
    return tuple(seen.values())


def coverage(wanted: Iterable[Term], evidence: Bag) -> float:
    """The share of the wanted weight that the evidence holds; 1.0 when nothing is wanted."""
    total = found = 0.0
    for term in wanted:
        total += term.weight
        if evidence.has(term):
            found += term.weight
    return found / total if total else 1.0
