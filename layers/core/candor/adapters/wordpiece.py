"""WordPiece: the tokenizer of BERT's uncased models, from a list of words alone."""

import unicodedata
from pathlib import Path
from typing import Final

_UNKNOWN: Final = 100
_START: Final = 101
_END: Final = 102
_LONGEST_WORD: Final = 100
_CACHED: Final = 100_000

_HAN: Final = (("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0002a6df"))


class WordPiece:
    """Text to token ids, as the vocabulary of `bert-base-uncased` numbers them."""

    def __init__(self, vocabulary: Path) -> None:
        with vocabulary.open(encoding="utf-8") as lines:
            self._ids = {line.rstrip("\n"): number for number, line in enumerate(lines)}
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str, *, at_most: int) -> list[int]:
        """Ids with the start and end marks, cut to `at_most`."""
        ids = [_START]
        for word in _words(text):
            ids += self._pieces(word)
            if len(ids) >= at_most:
                break
        return [*ids[: at_most - 1], _END]

    def _pieces(self, word: str) -> list[int]:
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= _CACHED:
                self._known.clear()
            found = self._known[word] = self._split(word)
        return found

    def _split(self, word: str) -> list[int]:
        """Greedily the longest piece from the left; a word with a part that is no piece is unknown."""
        if len(word) > _LONGEST_WORD:
            return [_UNKNOWN]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._ids.get(("##" if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return [_UNKNOWN]
            pieces.append(piece)
            start = end
        return pieces


def _words(text: str) -> list[str]:
    """Lower-case words without accents; punctuation and Han characters each by themselves."""
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFD", text)
    words: list[str] = []
    word: list[str] = []
    for letter in text:
        if letter.isalnum() and letter.isascii():
            word.append(letter)
            continue
        category = unicodedata.category(letter)
        if letter.isspace():
            alone = ""
        elif category == "Mn" or category[0] == "C" or letter == "\ufffd":
            continue
        elif _is_punctuation(letter, category) or _is_han(letter):
            alone = letter
        else:
            word.append(letter)
            continue
        if word:
            words.append("".join(word))
            word = []
        if alone:
            words.append(alone)
    if word:
        words.append("".join(word))
    return words


def _is_punctuation(letter: str, category: str) -> bool:
    """BERT counts all of ASCII that is neither letter nor digit, `$` and `^` too."""
    return category[0] == "P" or (letter.isascii() and "!" <= letter <= "~" and not letter.isalnum())


def _is_han(letter: str) -> bool:
    return any(first <= letter <= last for first, last in _HAN)
