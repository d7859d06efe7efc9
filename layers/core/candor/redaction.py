"""Redaction: secrets masked before a text goes to a model, a log or a store. Every pattern is linear."""

import re

MASK = "[removed]"

_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_TOKENS = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:live[-_]|test[-_]|proj[-_]|ant[-_])?[A-Za-z0-9_-]{12,200}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}\b|\bgithub_pat_[A-Za-z0-9_]{20,255}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,200}"
    r"|\bAIza[A-Za-z0-9_-]{30,60}"
    r"|\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{0,1000}"
)
_BEARER = re.compile(r"\b(bearer|basic)(\s+)(?=[A-Za-z0-9+/._~=-]{0,200}\d)[A-Za-z0-9+/._~=-]{16,2000}", re.I)
_NAMED = re.compile(
    r"\b(pass(?:word|wd|code|phrase)|pwd|pin(?: code)?|secret(?: key)?|api[ _-]?key|"
    r"access[ _-]?(?:key|token)|auth[ _-]?token|"
    r"пароль|пин-?код|пін-?код|passwort|kennwort|contraseña|mật khẩu)"
    r"(\s{0,3}(?:[:=]|\bis\b:?|\bwas\b|\bist\b|\bes\b|\blà\b|—|–)\s{0,3}|\s{0,3}-\s)"
    r"([\"'`«“]?)([^\s\"'`»”,;]{3,200})",
    re.I,
)
_URL_USER = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:)([^\s/@]{1,200})(@)", re.I)
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----END).){0,10000}"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
    re.S,
)
_ORDINARY = frozenset(
    [
        "incorrect",
        "wrong",
        "invalid",
        "expired",
        "required",
        "not",
        "lost",
        "forgotten",
        "reset",
        "set",
        "the",
        "a",
        "an",
        "my",
        "correct",
        "right",
        "empty",
        "too",
        "still",
        "never",
        "always",
        "being",
        "changed",
        "unknown",
        "case",
        "sent",
        "stored",
        "saved",
        "encrypted",
        "hashed",
        "missing",
        "blocked",
        "ok",
        "fine",
        "good",
        "weak",
        "strong",
        "неверный",
        "неправильный",
        "забыт",
        "утерян",
        "falsch",
        "ungültig",
        "vergessen",
        "incorrecta",
        "incorrecto",
        "inválida",
        "sai",
        "sao",
        "what",
        "where",
        "why",
        "how",
        "needed",
        "optional",
        "asked",
        "visible",
        "hidden",
        "plain",
        "protected",
        "correctly",
        "rejected",
        "accepted",
        "no",
        "to",
        "in",
        "on",
        "at",
        "for",
        "and",
        "or",
    ]
)


def masked(text: str) -> str:
    """
    The text with card numbers, passwords, keys and tokens replaced by `[removed]`.

    A word after "password is" that only describes it ("incorrect", "expired") stays. Masking twice
    is masking once.
    """
    text = _KEY_BLOCK.sub(MASK, text)
    text = _TOKENS.sub(MASK, text)
    text = _BEARER.sub(lambda match: f"{match.group(1)}{match.group(2)}{MASK}", text)
    text = _URL_USER.sub(lambda match: f"{match.group(1)}{MASK}{match.group(3)}", text)
    text = _NAMED.sub(_named, text)
    return _CARD.sub(_card, text)


def _named(match: re.Match[str]) -> str:
    value = match.group(4).rstrip(".!?)")
    tail = match.group(4)[len(value) :]
    loose = match.group(2).strip().casefold() not in (":", "=")
    plain_word = value.isalpha() and (value.islower() or not loose)
    if (
        value.casefold() in _ORDINARY
        or value.startswith((MASK, "${", "<", "["))
        or (loose and plain_word and len(value) < 4)
    ):
        return match.group()
    return f"{match.group(1)}{match.group(2)}{match.group(3)}{MASK}{tail}"


def _card(match: re.Match[str]) -> str:
    digits = [int(character) for character in match.group() if character.isdigit()]
    if len(set(digits)) < 2:
        return match.group()
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return MASK if total % 10 == 0 else match.group()
