"""Terms: the words of a company's trade, told from ordinary ones by how they are written and how often."""

import re
from collections import Counter
from typing import Final

from candor.answering.words import fold, general_words, stop_words
from candor.portrait.values import Site

MOST: Final = 30

_WORD = re.compile(r"[^\W\d_][\w+#.-]*[\w+#]|[^\W\d_]")
_RUN = re.compile(
    r"(?:[A-ZА-ЯЁІЇЄҐÄÖÜÑĐ][\w+#.-]*\w|[A-Z]{1,6})(?:[ \u00a0](?:[A-ZА-ЯЁІЇЄҐÄÖÜÑĐ0-9][\w+#.-]*)){0,3}"
)
_ACRONYM = re.compile(r"[A-ZА-Я]{2,6}\d{0,2}s?|[A-Za-z]+\d+[A-Za-z]*|[a-z]+[A-Z]\w+|[A-Z][a-z]+[A-Z]\w+")
_HEADING = re.compile(r"^#{1,6}\s+(.{2,120})$", re.MULTILINE)
_ADDRESSES = re.compile(r"https?://\S+|[\w.+-]{1,60}@[\w.-]{1,80}|\]\([^)\s]{0,2000}\)")

_SITE_WORDS: Final = """
    home about contact contacts support help faq faqs pricing prices price terms privacy policy cookie cookies
    login sign account cart menu search blog news more read learn get free new buy order buy our your us team
    company services service products product features overview email phone address hours copyright all rights
    reserved inc llc ltd gmbh page next back yes no ok welcome questions question customers customer plan
    plans monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
    january february march april may june july august september october november december
    month months year years day days english deutsch español русский українська usd eur
"""
_ORDINARY: Final = frozenset(_SITE_WORDS.split())


def terms_of(site: Site, *, name: str, language: str) -> tuple[str, ...]:
    """
    Names of products, abbreviations and capitalised terms, the most telling first.

    What is said on one page only and not in a heading is left out, unless it is an abbreviation said twice.
    """
    known, shapes = Counter[str](), dict[str, Counter[str]]()
    pages: dict[str, set[str]] = {}
    headed: set[str] = set()
    for page in site.pages:
        if page.topic == "terms":
            continue  # Contracts capitalise what they define.
        text = _ADDRESSES.sub(" ", page.text[:30_000])
        headings = f"{page.title}\n" + "\n".join(_HEADING.findall(text))
        for term in _said(text, german=language == "de"):
            folded = fold(term)
            known[folded] += 1
            shapes.setdefault(folded, Counter())[term] += 1
            pages.setdefault(folded, set()).add(page.url)
        headed.update(fold(term) for term in _said(headings, german=language == "de"))
    own = fold(name)
    scored: list[tuple[float, str]] = []
    for folded, count in known.items():
        term = shapes[folded].most_common(1)[0][0]
        acronym = bool(_ACRONYM.fullmatch(term.split()[0]))
        if folded == own or count < 2 or not (folded in headed or acronym or len(pages[folded]) > 1):
            continue
        several = 1.5 if " " in term else 1.0
        weight = min(count, 12) * several * (2 if folded in headed else 1) * (1.5 if acronym else 1)
        scored.append((weight * len(pages[folded]), term))
    best = [term for _, term in sorted(scored, key=lambda pair: (-pair[0], pair[1]))]
    return tuple(_without_parts(best)[:MOST])


def _said(text: str, *, german: bool) -> list[str]:
    """Each run of capitalised words that is no beginning of a sentence alone."""
    found = []
    for line in text.split("\n"):
        line = line.lstrip("#*-•| \t0123456789.)")
        for run in _RUN.finditer(line):
            words = run[0].split()
            begins = run.start() == 0 or line[: run.start()].rstrip().endswith((".", "!", "?", ":", "…"))
            while words and _is_ordinary(words[0]):
                words = words[1:]
                begins = False
            while words and _is_ordinary(words[-1]):
                words = words[:-1]
            if not words or len(" ".join(words)) > 60:
                continue
            telling = any(_ACRONYM.fullmatch(word) for word in words)
            # One capital says nothing at the beginning of a sentence, and in German nowhere.
            if len(words) == 1 and not telling and (begins or german):
                continue
            if len("".join(words)) > 1:
                found.append(" ".join(words))
    return found


def _is_ordinary(word: str) -> bool:
    folded = fold(word).strip(".-")
    return folded in _ORDINARY or folded in stop_words() or folded in general_words()


def _without_parts(best: list[str]) -> list[str]:
    """Without those that are said within a better one, or better alone."""
    kept: list[str] = []
    for term in best:
        words = set(fold(term).split())
        if not any(words <= set(fold(other).split()) for other in kept):
            kept.append(term)
    return kept
