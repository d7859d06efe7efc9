"""
Analysis: text to the terms that BM25 counts, the same for every engine.

Both ends of a keyword index use these: `passage_terms` when a passage is stored, `query_terms` when it
is looked for. Engines split our terms at blanks and do nothing else, so the embedded one and OpenSearch
rank alike, and languages for which an engine has no analyser (tantivy has none for Ukrainian) work too.

A word becomes lower-case, loses its diacritics and is stemmed in its language. What is joined by
punctuation (`v-change-sys-port`, `ns1.example.com`, `ORA-00942`) is kept whole and in parts. Stop words
stay in passages and are left out of questions: a passage whose language was told wrongly loses nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from candor.language import UNDETERMINED, detect, stop_words
from candor.stemming import LANGUAGES, stemmer

ANALYSER_VERSION: Final = "a1"
"""Part of every keyword index's name: change it with anything that changes a term."""

_TOKEN = re.compile(r"\w+(?:[-.:/@'’ʼ+]+\w+)*")
_PART = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['’ʼ]")
_POSSESSIVE = re.compile(r"['’ʼ]s$")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_MOST_WORDS: Final = 96
"""Words of a question that are looked for; whoever pastes a log has said enough by then."""

_LONGEST: Final = 64
"""Longer runs are base64, hashes and the like: nobody asks for them, and they swell an index."""

_BY_HAND = str.maketrans({"ё": "е", "ґ": "г", "ł": "l", "đ": "d", "ø": "o", "ß": "ss", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not decompose. Other Cyrillic letters keep their marks: й is not и."""

Stem = Callable[[str], str]


def passage_terms(text: str, language: str) -> list[str]:
    """The terms of a passage, in order, repeated as often as they occur."""
    stems = _stems_of_passage(language)
    keep_marks = language == "vi"
    terms: list[str] = []
    for token in _TOKEN.findall(text.lower()):
        terms.extend(_terms_of(token, stems, keep_marks))
    return terms


def query_terms(question: str) -> list[str]:
    """
    The terms of a question, each once, in order, without stop words.

    A question too short to tell its language is stemmed in each that its script allows: a stem of the
    wrong language meets nothing in the index. A question of stop words alone keeps them.
    """
    return list(dict.fromkeys(term for group in query_groups(question) for term in group))


def query_groups(question: str) -> list[tuple[str, ...]]:
    """The same terms, grouped by the word they come from; any one term of a group answers for the word."""
    informative, all_groups = _groups(question)
    return list(informative or all_groups)


def informative_words(text: str) -> list[str]:
    """The words of a question that are no stop words, each once, in order, as they stand but lower-case."""
    ignored = _ignored(detect(text))
    words = dict.fromkeys(_TOKEN.findall(text.lower()))
    return [word for word in words if word.replace("’", "'") not in ignored]


@lru_cache(maxsize=256)
def _groups(question: str) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    language = detect(question)
    latin, cyrillic = _stems_of_question(language)
    ignored = _ignored(language)
    informative: dict[tuple[str, ...], None] = {}
    everything: dict[tuple[str, ...], None] = {}
    for token in _TOKEN.findall(question.lower()):
        if len(informative) == _MOST_WORDS:
            break
        stems = cyrillic if _CYRILLIC.search(token) else latin
        group = dict.fromkeys(
            term for stem in stems for term in _terms_of(token, (stem, stem), language == "vi")
        )
        if not group:
            continue
        everything[tuple(group)] = None
        if token.replace("’", "'") not in ignored:
            informative[tuple(group)] = None
    return tuple(informative), tuple(everything)


def _terms_of(token: str, stems: tuple[Stem | None, Stem | None], keep_marks: bool) -> Iterator[str]:
    """The terms of one lower-case token; `stems` are those for Latin and for Cyrillic letters."""
    if token.isascii() and token.isalnum():  # Nine tokens of ten in English text.
        if len(token) <= _LONGEST:
            yield stems[0](token) if stems[0] else token
        return
    token = _APOSTROPHE.sub("", _POSSESSIVE.sub("", token))
    if _UNSPACED.search(token):
        yield from _pairs(token)
        return
    parts = _PART.findall(token)
    if len(parts) > 1 and len(token) <= _LONGEST:
        yield fold(token)
    for part in parts:
        if len(part) > _LONGEST:
            continue
        folded = fold(part)
        stem = stems[1] if _CYRILLIC.search(folded) else stems[0]
        yield stem(folded) if stem else folded
        if keep_marks and folded != part:
            yield unicodedata.normalize("NFC", part)


def fold(word: str) -> str:
    """Without diacritics, apart from those that make another Cyrillic letter."""
    if word.isascii():
        return word
    word = word.translate(_BY_HAND)
    if word.isascii() or _CYRILLIC.search(word):
        return word
    return "".join(
        letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter)
    )


def _pairs(token: str) -> Iterable[str]:
    """Writing without blanks between words: each two neighbours are a term."""
    return (token[i : i + 2] for i in range(max(1, len(token) - 1)))


@lru_cache(maxsize=64)
def _stems_of_passage(language: str) -> tuple[Stem | None, Stem | None]:
    """A word is stemmed by its own letters: English names within Russian text, and the reverse."""
    latin = language if language not in ("ru", "uk", UNDETERMINED) else "en"
    return stemmer(latin), stemmer("uk" if language == "uk" else "ru")


@lru_cache(maxsize=64)
def _stems_of_question(language: str) -> tuple[tuple[Stem | None, ...], tuple[Stem | None, ...]]:
    both_cyrillic = (stemmer("ru"), stemmer("uk"))
    if language == UNDETERMINED:
        return tuple(stemmer(latin) for latin in LANGUAGES if latin not in ("ru", "uk")), both_cyrillic
    if language in ("ru", "uk"):
        return (stemmer("en"),), (stemmer(language),)
    own = stemmer(language)
    # An English name inside a German question stands in English passages too.
    return ((own,) if language == "en" else (own, stemmer("en"))), both_cyrillic


@lru_cache(maxsize=64)
def _ignored(language: str) -> frozenset[str]:
    """Stop words; in an unknown language those of English, and those Russian and Ukrainian share."""
    if language != UNDETERMINED:
        return stop_words(language)
    return stop_words("en") | (stop_words("ru") & stop_words("uk"))
