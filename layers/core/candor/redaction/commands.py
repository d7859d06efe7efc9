"""Commands: passwords in a command line, in a pair with a login, or told as what one was changed to."""

import re
from typing import Final

from candor.redaction.credentials import NAMES, PASSWORD, is_placeholder, is_strong
from candor.redaction.patterns import Pattern, named

_QUOTED_OR_WORD: Final = r"(?:\"[^\"\r\n]{1,100}\"|'[^'\r\n]{1,100}'|[^\s\"';|&<>()]{2,100})"

_JOINED: Final = Pattern(
    r"(\b(?:mysql(?:dump|admin|import|check|show|pump|sh)?|mariadb(?:-[a-z]{2,12})?|sshpass|mycli)\b"
    rf"[^\r\n|;]{{0,160}}?[ \t]-p)({_QUOTED_OR_WORD})"
)
"""`-p` and the password without a blank between: with one, MySQL asks, and a database's name follows."""

_APART: Final = Pattern(
    r"(\b(?:(?:sshpass|mongo(?:sh|dump|restore|export|import)?|(?:docker|podman|helm)[ ](?:registry[ ])?"
    r"login|az[ ]login)\b[^\r\n|;]{0,160}?[ \t](?:-p|--password)|redis-cli\b"
    r"[^\r\n|;]{0,160}?[ \t]-a)[ \t]{1,4})"
    rf"({_QUOTED_OR_WORD})"
)
_USER: Final = Pattern(
    r"(\b(?:curl|lftp|smbclient)\b[^\r\n|;]{0,160}?[ \t](?:-u|-U|--user)[ \t=]{0,4}[\"']?"
    r"[\w.@+\\/-]{1,60}[:,%])([^\s\"']{3,100})"
)
_PIPED: Final = Pattern(
    r"(\becho[ \t]{1,8}(?:-[a-z]{1,4}[ \t]{1,8})?[\"']?[\w.-]{1,32}:)([^\s\"'|]{3,100})"
    r"(?=[\"']?[ \t]{0,8}\|[ \t]{0,8}(?:sudo[ \t]{1,8})?chpasswd)"
)
_TOOLS: Final = (
    "mysql",
    "mariadb",
    "mycli",
    "sshpass",
    "mongo",
    "login",
    "redis-cli",
    "curl",
    "lftp",
    "smbclient",
    "chpasswd",
)

_CHANGED: Final = Pattern(
    rf"((?<![^\W\d_])(?:{NAMES})(?![^\W\d_])(?:[ ][^\s.!?;:]{{1,40}}){{0,5}}?"
    r"[ ](?:to|from|auf|von|на|с|en|por|a)[ ])([^\s,;]{8,60})"
    r"((?:[ ](?:to|auf|на|en|por|a)[ ])([^\s,;]{8,60}))?",
    re.I,
)
_BELOW: Final = Pattern(
    rf"(^[ \t*_]{{0,4}}(?:{NAMES})[ \t*_]{{0,4}}\r?\n[ \t]{{0,8}})(\S{{6,60}})(?=[ \t]*$)", re.I | re.M
)
"""A form that was copied: what is asked on one line, what was filled in on the next."""

_BESIDE: Final = Pattern(
    r"((?<![\w./@-])(?:root|admin(?:istrator)?|ubuntu|debian|centos|user(?:name)?|test|demo)"
    r"[ ]?/[ ]?)([^\s/]{6,60})",
    re.I,
)
_TAIL: Final = ".,;:!?)]}»”\"'`*_"
_SIGNS: Final = frozenset("!@#$%^&*+~")
_WORDS: Final = (
    "pass",
    "pwd",
    "pw",
    "парол",
    "лозинк",
    "lozink",
    "kennwort",
    "contrase",
    "clave",
    "hasł",
    "senha",
)


def mask_commands(text: str) -> str:
    """The text with passwords that stand in commands, and those that are told without `is` or a colon."""
    small = text.lower()
    if named(small, _TOOLS):
        for pattern in (_JOINED, _APART, _USER, _PIPED):
            text = pattern.sub(_given, text)
    if named(small, _WORDS):
        text = _BELOW.sub(_below, _CHANGED.sub(_changed, text))
    return _BESIDE.sub(_beside, text) if "/" in text else text


def _given(match: re.Match[str]) -> str:
    value, quote = match[2], ""
    if value[0] in "\"'":
        value, quote = value[1:-1], value[0]
    if is_placeholder(value):
        return match[0]
    return f"{match[1]}{quote}{PASSWORD}{quote}"


def _changed(match: re.Match[str]) -> str:
    first, tail = _bare(match[2])
    told = f"{PASSWORD}{tail}" if _is_made_up(first) else match[2]
    if not match[3]:
        return f"{match[1]}{told}"
    second, after = _bare(match[4])
    if not _is_made_up(second):
        return f"{match[1]}{told}{match[3]}"
    return f"{match[1]}{told}{match[3][: -len(match[4])]}{PASSWORD}{after}"


def _below(match: re.Match[str]) -> str:
    value, tail = _bare(match[2])
    return f"{match[1]}{PASSWORD}{tail}" if is_strong(value) else match[0]


def _beside(match: re.Match[str]) -> str:
    value, tail = _bare(match[2])
    told = _is_made_up(value) and value[0] not in "?&#" and "=" not in value and not _SIGNS.isdisjoint(value)
    return f"{match[1]}{PASSWORD}{tail}" if told else match[0]


def _bare(raw: str) -> tuple[str, str]:
    """As it stands in a sentence, and what belongs to the sentence."""
    value = raw.rstrip(_TAIL)
    return value, raw[len(value) :]


def _is_made_up(value: str) -> bool:
    """No word, name, version, host or file: `Windows11` and `Office365` are told so too."""
    if len(value) < 8 or not is_strong(value) or re.search(r"\w\.\w", value):
        return False
    if not _SIGNS.isdisjoint(value):
        return True
    both = any(map(str.isupper, value)) and any(map(str.islower, value))
    return both and not re.fullmatch(r"[^\W\d_]+[-_ ]?\d+|[\w]+-[^\W\d_]+", value)
