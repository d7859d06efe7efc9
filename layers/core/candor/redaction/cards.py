"""Cards: payment card numbers (ISO/IEC 7812: issuer, length, Luhn) in any grouping, and their check codes."""

import re
from dataclasses import replace
from typing import Any, Final

from candor.documents import Draft
from candor.redaction.patterns import named

CARD: Final = "[card]"
CODE: Final = "[card code]"

_BETWEEN: Final = (
    r"(?:[\s\u00ad\u200b-\u200d\u2060\ufeff.,:\-\u2010-\u2015\u2212_·•*|/\\+]|&nbsp;|&#160;|&#xa0;|%20"
    r"|</?[a-z][^<>\d]{0,30}>)"
)
_RUN: Final = re.compile(rf"\d(?:{_BETWEEN}{{0,4}}+\d){{11,}}+", re.I)
_GROUP: Final = re.compile(r"%20|&#(?:160|xa0);|(\d+)", re.I)
_SHAPES: Final = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 5), (6, 13)})
"""How cards are printed. Another grouping is a card only where one is spoken of: rows of numbers abound."""

_ROW: Final = 8
"""How many numbers of four digits are looked at on either side, to tell a row of them from a card."""

_LENGTHS: Final = {
    "0": range(0),
    "1": range(0),
    "2": range(16, 20),
    "3": range(14, 20),
    "4": (13, 16, 18, 19),
    "7": range(0),
    "8": range(16, 20),
    "9": (16,),
}
"""How long a number may be that begins so; nobody issues those of 0, 1 and 7."""

_SHORTEST: Final = 12
"""Digits of a card number."""

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_SPOKEN: Final = re.compile(
    r"card|carte|\bcc\b|\bpan\b|visa|master|maestro|amex|american exp|diners|discover|\bjcb\b|unionpay|"
    r"карт|мир\b|tarjeta|kart|cartão|carta|卡|カード|بطاقة|thẻ",
    re.I,
)
_FRACTION: Final = re.compile(r"(?<!\d)[01][.,]$")
_TOKEN_LEFT: Final = re.compile(r"([A-Za-z0-9]{1,40})-?$")
_TOKEN_RIGHT: Final = re.compile(r"-?([A-Za-z0-9]{1,40})")
_CODES: Final = ("cv", "code", "prüfz", "prüfn", "código", "crypto")
_CHECK_CODE: Final = re.compile(
    r"(?<![^\W_])((?:cvv2?|cvc2?|cvn|cid code|card security code|security code on the back|код cvv|код cvc|"
    r"prüfziffer|kartenprüfnummer|código de seguridad|cryptogramme)"
    r"(?:[ -]?code|[- ]?код|[- ]?nummer)?(?: number)?\s{0,2}(?:[:=#–—-]|\bis\b|\bist\b|\bes\b|"
    r"это)?\s{0,2})\d{3,4}(?![\w.]?\d|\w)",
    re.I,
)


def mask_cards(text: str) -> str:
    """The text with every payment card number replaced by `[card]`."""
    if len(text) < _SHORTEST:  # Most fields of a row.
        return text
    return _RUN.sub(_without_cards, text)


def mask_card_data(text: str) -> str:
    """`mask_cards`, and the check codes that go with them ("CVV 123")."""
    text = mask_cards(text)
    return _CHECK_CODE.sub(rf"\1{CODE}", text) if named(text.lower(), _CODES) else text


def mask_cards_in(value: Any) -> Any:
    """
    The same for every text in a JSON value; a number that is a card becomes a text.

    What stands under `url` stays: it is an identity, and the same page must be met under it again.
    """
    if isinstance(value, str):
        return mask_cards(value)
    if isinstance(value, dict):
        return {key: one if key == "url" else mask_cards_in(one) for key, one in value.items()}
    if isinstance(value, list):
        return [mask_cards_in(one) for one in value]
    if isinstance(value, tuple):
        return tuple(map(mask_cards_in, value))
    if isinstance(value, int) and value > 10**11:
        return CARD if mask_cards(str(value)) == CARD else value
    return value


def without_cards(draft: Draft) -> Draft:
    """The draft as it may be stored: nothing in it but its url, by which it is found, can hold a card."""
    return replace(
        draft,
        title=mask_cards(draft.title),
        text=mask_cards(draft.text),
        raw=mask_cards(draft.raw),
        doc_type=mask_cards(draft.doc_type),
        product=mask_cards_in(draft.product),
        region=mask_cards_in(draft.region),
        metadata=mask_cards_in(dict(draft.metadata)),
    )


def _without_cards(run: re.Match[str]) -> str:
    """A run of digits may hold a card among other numbers: its expiry, an amount, another card."""
    text = plain = run.group()
    if not text.isascii():
        plain = "".join(str(int(one)) if one.isdecimal() else one for one in text)
    groups = [match.span() for match in _GROUP.finditer(text) if match.group(1)]
    few = len(groups) <= 19
    sizes = [end - start for start, end in groups]
    spoken: bool | None = None
    kept: list[str] = []
    at = first = 0
    while first < len(groups):
        start = groups[first][0]
        found, size, lengths = -1, 0, _LENGTHS.get(plain[start], range(12, 20))
        # Single digits and pairs in a long row are a table.
        table = not few and sum(sizes[first : first + 3]) <= 6
        for last in range(first, first if table else min(len(groups), first + 19)):
            size += sizes[last]
            if size > 19:
                break
            if size not in lengths:
                continue
            end = groups[last][1]
            digits = "".join(plain[one:two] for one, two in groups[first : last + 1])
            if not issued(digits):
                continue
            usual = _usual(digits, tuple(sizes[first : last + 1])) and not _in_row(plain, groups, first, last)
            if not usual and spoken is None:
                near = (
                    run.string[max(0, run.start() - 60) : run.start()]
                    + run.string[run.end() : run.end() + 20]
                )
                spoken = bool(_SPOKEN.search(near))
            if (usual or spoken) and _stands_alone(run, start, end, usual=usual):
                found = last
                if usual or size >= 16:
                    break
        if found < 0:
            first += 1
            continue
        kept.append(text[at:start] + CARD)
        at = groups[found][1]
        first = found + 1
    return "".join(kept) + text[at:]


def _usual(digits: str, shape: tuple[int, ...]) -> bool:
    """Whether it needs no word beside it: a length in daily use, written at once or grouped as people do."""
    if len(shape) > 1:
        return shape in _SHAPES
    return len(digits) in (14, 15, 16) or (len(digits) == 13 and digits[0] == "4")


def _in_row(text: str, groups: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether numbers of four digits are a piece of a longer row (ports, years), or joined as lists are."""
    if last == first:
        return False
    joints = {place: text[groups[place][1] : groups[place + 1][0]] for place in _near(groups, first, last)}
    own = joints[first]
    if "," in own or ":" in own:
        return True
    if last - first != 3:
        return False
    start, stop = first, last + 1
    while joints.get(start - 1) == own and groups[start - 1][1] - groups[start - 1][0] == 4:
        start -= 1
    while joints.get(stop - 1) == own and groups[stop][1] - groups[stop][0] == 4:
        stop += 1
    count = stop - start
    if count <= 5:
        return False  # A year or an expiry date may stand beside it.
    start += (first - start) % 4
    fours = ["".join(text[one:two] for one, two in groups[at : at + 4]) for at in range(start, stop - 3, 4)]
    return count % 4 > 1 or not all(map(issued, fours))


def _near(groups: list[tuple[int, int]], first: int, last: int) -> range:
    return range(max(0, first - _ROW), min(len(groups) - 1, last + _ROW))


def _stands_alone(run: re.Match[str], start: int, end: int, *, usual: bool) -> bool:
    """Not a piece of an identifier, a fraction or a telephone number."""
    whole, start, end = run.string, run.start() + start, run.start() + end
    before, after = whole[max(0, start - 41) : start], whole[end : end + 41]
    if (before.endswith("+") and sum(map(str.isdigit, whole[start:end])) < 16) or _FRACTION.search(before):
        return False
    for token in (_TOKEN_LEFT.search(before), _TOKEN_RIGHT.match(after)):
        if token is not None:
            piece = token.group(1)
            if any(map(str.isdigit, piece)) and any(map(str.isalpha, piece)):
                return False
    # Digits glued to digits by a hyphen are a longer number, unless they are grouped as a card is.
    return usual or not (before[-1:] == "-" or after[:1] == "-")


def issued(digits: str) -> bool:
    """Whether a card network issues numbers of this beginning and length, and the Luhn digit is right."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    known = (
        (digits[0] == "4" and size in (13, 16, 18, 19))  # Visa
        or (51 <= two <= 55 and size == 16)  # Mastercard
        or (2221 <= four <= 2720 and size == 16)
        or (two in (34, 37) and size == 15)  # American Express
        or (300 <= four // 10 <= 305 and size in (14, 16))  # Diners Club
        or (two in (36, 38, 39) and size in (14, 16, 19))
        or (3528 <= four <= 3589 and 16 <= size <= 19)  # JCB
        or (two in (62, 81, 82) and 16 <= size <= 19)  # UnionPay, RuPay
        or ((four == 6011 or two in (60, 64, 65)) and 16 <= size <= 19)  # Discover, RuPay
        or ((two == 50 or 56 <= two <= 69) and 12 <= size <= 19)  # Maestro and the national debit cards
        or (2200 <= four <= 2204 and 16 <= size <= 19)  # Mir
        or (four in (8600, 9792, 9804, 9860) and size == 16)  # Uzcard, Troy, Prostir, Humo
    )
    return known and len(set(digits)) > 1 and _luhn(digits)


def _luhn(digits: str) -> bool:
    plain, doubled = map(int, digits[-1::-2]), map(int, digits[-2::-2])
    return (sum(plain) + sum(_DOUBLED[digit] for digit in doubled)) % 10 == 0
