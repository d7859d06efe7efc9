"""Hearing: the sentences of a model's reply, while the rest of it is still being written."""

import json
from typing import Final

from candor.answering.models import MOST_SENTENCES, Claim, Unreadable, claim_of

_LONGEST_ITEM: Final = 16_000
"""Letters of one sentence with all around it: what is longer is no sentence, and is not waited for."""

_DEEPEST: Final = 8
_BLANKS: Final = frozenset(" \t\r\n,")


class Hearing:
    """
    Finds each object of the `sentences` list as soon as it is closed.

    Nothing is complained about: in a reply that is not what was asked for no more sentences are found, and
    what to do about it is decided once all of it is there (`models.read`). Each letter is looked at once.
    """

    def __init__(self, *, passages: int) -> None:
        self._passages = passages
        self._depth = 0
        self._in_string = self._escaped = False
        self._key = ""
        """The last string between the reply's own braces, cut short."""
        self._listing = False
        """Whether the value under way is the list of sentences."""
        self._item: list[str] | None = None
        self._found = 0
        self._over = False

    def hear(self, piece: str) -> list[Claim]:
        """The sentences that this piece completes, those without a text among them."""
        claims: list[Claim] = []
        for letter in piece:
            if self._over:
                break
            if self._item is not None:
                self._item.append(letter)
                self._over = len(self._item) > _LONGEST_ITEM
            if self._in_string:
                self._in_words(letter)
            elif self._depth or letter == "{":  # A reply begins with its first brace, whatever stands before.
                self._in_grammar(letter)
                if self._item is not None and self._depth == 2:
                    self._close(claims)
        return claims

    def _in_words(self, letter: str) -> None:
        if self._escaped:
            self._escaped = False
        elif letter == "\\":
            self._escaped = True
        elif letter == '"':
            self._in_string = False
            return
        if self._depth == 1 and len(self._key) < 16:
            self._key += letter

    def _in_grammar(self, letter: str) -> None:
        among_sentences = self._listing and self._depth == 2
        if letter in "{[":
            self._open(letter)
        elif letter in "}]":
            self._depth -= 1
            self._listing = self._listing and self._depth > 1
            self._over = self._depth == 0
        elif among_sentences and letter not in _BLANKS:
            self._over = True
        elif letter == '"':
            self._in_string = True
            if self._depth == 1:
                self._key = ""

    def _open(self, letter: str) -> None:
        self._depth += 1
        self._over = self._depth > _DEEPEST
        if self._depth == 2:
            self._listing = letter == "[" and self._key == "sentences"
        elif self._depth == 3 and self._listing:
            self._over = letter == "["
            self._item = ["{"]

    def _close(self, claims: list[Claim]) -> None:
        whole, self._item = "".join(self._item or ()), None
        self._found += 1
        try:
            claims.append(claim_of(json.loads(whole), passages=self._passages))
        except (ValueError, RecursionError, Unreadable):
            self._over = True
        self._over = self._over or self._found == MOST_SENTENCES
