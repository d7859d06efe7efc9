"""
Words: how tickets are looked for, the same in every directory.

A ticket is kept under its words without case and diacritics. What is joined (`ann@example.com`,
`ABC-123456`, `/etc/php.ini`) is kept from each of its parts on: any piece of it that begins at a part is the
beginning of a term. So is a word that is only begun; and an inflected one is looked for by its stem, which is
why nothing needs to know a ticket's language.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from candor.analysis import fold
from candor.language import detect
from candor.stemming import stemmer

WORDS_VERSION: Final = "t1"
"""Part of every directory's name: change it with anything that changes a term."""

LONGEST: Final = 48
"""Letters of a term. Longer ones are found by their beginning."""

_MOST_TERMS: Final = 1_000
_MOST_ASKED: Final = 12
_MOST_PARTS: Final = 12
_LEAST_STEM: Final = 4

_TOKEN = re.compile(r"\w+(?:[-.:/@'’ʼ+#]+\w+)*")
_PART = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['’ʼ]s$|['’ʼ]")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_UKRAINIAN = re.compile(r"[іїєґ]")


def terms_of(text: str) -> Sequence[str]:
    """The terms of a text, each once, in order. None holds a blank or a quotation mark."""
    terms: dict[str, None] = {}
    for word in dict.fromkeys(text.lower().split()):
        for some in _of_word(word) if len(word) <= LONGEST else map(_of_token, _TOKEN.findall(word)):
            for term in some:
                terms[term] = None
            if len(terms) >= _MOST_TERMS:
                return list(terms)
    return list(terms)


def asked(text: str) -> Sequence[str] | None:
    """
    For each word of a question the beginning of the terms that answer for it; all words are meant.

    Empty for blanks: everything is meant. None for a question in which there is nothing to look for.
    """
    if not text.strip():
        return ()
    return list(asked_whole(text)) or None


def asked_whole(text: str) -> Mapping[str, str]:
    """The same beginnings, each with the word as it was asked for."""
    language = detect(text)
    words: dict[str, str] = {}
    for token in _TOKEN.findall(text.lower()):
        if _UNSPACED.search(token):
            words |= {pair: pair for pair in _pairs(token)}
        elif beginning := next(_terms(token), ""):
            words[_stem(beginning, language)] = beginning
    return dict(islice(words.items(), _MOST_ASKED))


@lru_cache(maxsize=16_384)
def _of_word(word: str) -> tuple[tuple[str, ...], ...]:
    """The terms of each of its tokens. Few words are most of any text: they are taken apart once."""
    return tuple(map(_of_token, _TOKEN.findall(word)))


def _of_token(token: str) -> tuple[str, ...]:
    return tuple(_terms(token))


def _terms(token: str) -> Iterator[str]:
    """The terms of one lower-case token: from each of its parts on."""
    if token.isascii() and token.isalnum():  # Nine tokens of ten in English text.
        yield token[:LONGEST]
        return
    token = _APOSTROPHE.sub("", token)
    if _UNSPACED.search(token):
        yield from _pairs(token)
        return
    for number, part in enumerate(_PART.finditer(token)):
        if number == _MOST_PARTS:
            return
        # Trimmed, for the beginning of what comes next is no part of it.
        yield fold(token[part.start() :])[:LONGEST].rstrip("-.:/@+#_")


def _pairs(token: str) -> Iterator[str]:
    """Writing without blanks between words: each two neighbours are a term."""
    return (token[i : i + 2] for i in range(max(1, len(token) - 1)))


def _stem(word: str, language: str) -> str:
    """The beginning that a word shares with its other forms; the word itself where there is none."""
    if not word.isalpha() or len(word) < _LEAST_STEM:
        return word
    if _CYRILLIC.search(word):
        language = "uk" if language == "uk" or _UKRAINIAN.search(word) else "ru"
    elif language in ("ru", "uk") or stemmer(language) is None:
        language = "en"
    stem = stemmer(language)
    assert stem is not None
    changed = stem(word)
    beginning = _common(changed, word)
    if beginning != word and beginning.endswith(("i", "y")):
        beginning = beginning[:-1]  # `policies` and `policy`: Porter writes an i for both.
    return beginning if len(beginning) >= _LEAST_STEM - 1 else word


def _common(one: str, other: str) -> str:
    """The letters with which both begin."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return one[:place]
    return min(one, other, key=len)
