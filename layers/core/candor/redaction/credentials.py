"""Credentials: passwords, codes and keys that a text announces by name, in the languages people write in."""

import re
from collections.abc import Callable
from typing import Final

from candor.redaction.ordinary import ORDINARY
from candor.redaction.patterns import Pattern, named

PASSWORD: Final = "[password]"  # noqa: S105
KEY: Final = "[key]"

_Test = Callable[[str, bool], bool]
"""Of a value, and whether it stands in quotes: is it a secret?"""

NAMES: Final = (
    r"passwords?|passwd|passcode|passphrase|passwort|kennwort|pass|pwd|pw|psw|pswd|"
    r"pin(?:[ -]?(?:code|number|nummer))?|puk|otp|one-time code|(?:2fa|login|confirmation|verification|"
    r"sms|security)[ -]code|"
    r"парол[ьяию]|пароль|пасс(?:ворд)?|пасс?|пин-?код|пін-?код|пін|пин|"
    r"contraseña|contrasena|clave|mot de passe|mdp|hasł[oa]|haslo|senha|wachtwoord|parola|şifre|heslo|"
    r"jelszó|lösenord|mật khẩu|密码|密碼|パスワード|lozink[aeiuo]m?|лозинк[аеиуо]м?"
)
_KEY_WORDS: Final = (
    r"secret(?:[ _-]?(?:key|access[ _-]?key|token))?|api[ _-]?(?:key|token|secret|password)|"
    r"access[ _-]?(?:key|token|hash|code)|auth(?:entication|orization)?[ _-]?(?:token|key|code)|"
    r"auth[ _-]?info|"
    r"license[ _-]?key|licence[ _-]?key|private[ _-]?key|client[ _-]?secret|consumer[ _-]?secret|"
    r"encryption[ _-]?key|"
    r"security[ _-]?token|session[ _-]?(?:id|token|key)|refresh[ _-]?token|id[ _-]?token|"
    r"csrf[ _-]?token|token|"
    r"epp[ _-]?(?:code|key)?|transfer[ _-]?(?:code|key|secret)|transfer[ _-]?auth[ _-]?code|"
    r"recovery[ _-]?code|"
    r"backup[ _-]?code|x-[a-z]{1,20}-(?:key|token|secret)|"
    r"api-?ключ|ключ(?: api| апи| доступа| доступу)?|токен|секрет(?:ный ключ|ний ключ)?|epp-?код|"
    r"код (?:переноса|трансфера|авторизации|подтверждения|перенесення|підтвердження)|auth-?код|"
    r"schlüssel|api-schlüssel|auth-?code|transfercode|clave (?:api|de api|secreta)|código (?:epp|auth|"
    r"de autorización|de transferencia)|"
    r"jeton|clé (?:api|secrète)|code (?:epp|auth|de transfert)"
)
_AFTER: Final = (
    r"(?:[\"'`\]*_]{0,3}"  # "password": , **Password**: , ['password'] =>
    r"(?: ?\([^()\n]{0,40}\))?"
    r"(?:(?<!hasło)(?<!hasła)[ ](?:for|to|of|from|at|on|in|для|от|к|до|від|на|в|у|zu|zum|zur|für|vom|"
    r"von|para|de|del|al|pour|du|do|per)"
    r"(?: [^\s:=,;]{1,40}){1,4}?| (?:root|admin|ftp|ssh|mysql|db|wp|cpanel|новый|новий|neu|рута|админа|"
    r"админки|сервера|хостинга|почты|панели|сайта|пошти|сервісу|хостингу)|(?: [а-яёіїєґ]{3,16}){1,2}?)?"
)
_EQUALS: Final = r"[ \t]{0,4}(?:=>|:=|[:=：]{1,2})[ \t]{0,8}(?:\r?\n[ \t]{0,8})?[*_]{0,2}[ \t]?"
_VERB: Final = (
    r",?[ \t]{1,3}(?:(?:is|was|ist|lautet|es|est|este|è|é|(?<=hasło[ ])to|(?<=hasła[ ])to|jest|ma|là|je|је|"
    r"это|такой|такий|це|będzie|будет|буде|war|sera|era|será|"
    r"must be|should be|set to|changed to|reset to|установлен|изменён на|изменен на|змінено на|"
    r"geändert auf|auf)"
    r"(?:[ ](?:now|currently|still|set to|changed to|reset to|jetzt|aktuell|теперь|сейчас|тепер|ahora|"
    r"maintenant|teraz))?)(?!\w)"
    r"[ \t]{0,3}:?[ \t]{0,3}(?:\r?\n[ \t]{0,4})?"
    r"|[ \t]{0,3}(?:—|–|->|→)[ \t]{0,3}|[ \t]{1,3}-{1,2}[ \t]{1,3}"
)
_VALUE: Final = (
    r"(?:\"([^\"\r\n]{1,200})\"|'([^'\r\n]{1,200})'|`([^`\r\n]{1,200})`|"
    r"«([^»\r\n]{1,200})»|“([^”\r\n]{1,200})”|„([^“”\r\n]{1,200})[“”]|(\S{3,200}))"
)

_NOT_IN_WORD: Final = r"(?<![^\W\d_])"
_PASSWORD_NAMED: Final = Pattern(
    rf"({_NOT_IN_WORD}(?:{NAMES})(?![^\W\d_]){_AFTER})({_EQUALS}|{_VERB}))(?![\r\n]){_VALUE}", re.I
)
_KEY_NAMED: Final = Pattern(
    rf"({_NOT_IN_WORD}(?:{_KEY_WORDS})(?![^\W\d_]){_AFTER})({_EQUALS}|{_VERB}))(?![\r\n]){_VALUE}", re.I
)
_VARIABLE: Final = Pattern(
    r"((?:passw(?:or)?d|passphrase|passwd|_pass|_pwd|secret|api_?key|apikey|token|_key|_salt|"
    r"credential)[A-Za-z0-9_]{0,30}[\"'\]]{0,2}"
    r"(?:[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}|['\"][ \t]{0,3},[ \t]{0,3}|[\"']?,[ \t]{0,6}))"
    r"(?:\"([^\"\r\n]{1,200})\"|'([^'\r\n]{1,200})'|(?<=[=:])([^\s\"',()\[\]]{3,200}))",
    re.I,
)
_ELEMENT: Final = Pattern(
    r"(<([A-Za-z_:.-]{0,30}(?:pass(?:word|wd|phrase)?|secret|token|apikey|"
    r"api_key))(?: [^<>]{0,80})?>)([^<>\r\n]{3,200})(?=</)",
    re.I,
)
_BARE: Final = Pattern(
    rf"({_NOT_IN_WORD}(?:{NAMES})(?![^\W\d_])[ \t]{{1,2}})(?:(?:\"([^\"\r\n]{{3,60}})\"|"
    rf"'([^'\r\n]{{3,60}})'|`([^`\r\n]{{3,60}})`)|(\S{{6,60}}))",
    re.I,
)
_PAIR: Final = Pattern(
    r"((?<![^\W_])(?:login|user(?:name)?|log-?in|логин|логін|benutzer(?:name)?|usuario|identifiant|"
    r"e-?mail)[ ]?(?:/|&|and|und|и|та|y|et|\+|:)[ ]?"
    rf"(?:{NAMES})(?: [^\s:]{{1,30}}){{0,3}}[ ]?[:=–—-]{{1,2}}\s{{0,4}}\S{{1,80}}?[ ]{{0,3}}"
    rf"(?:[/|,;:\s]|->|—)\s{{0,3}})(\S{{3,100}})",
    re.I,
)
_BACKWARDS: Final = Pattern(
    r"(?<![^\s\"'`«(])(\S{5,60})([\"'`»)]?,?[ ](?:is|as|ist|als|это|як|как|es|como|est|comme)[ ](?:my |"
    r"the |a |our |your |new |mein |das |neues |mi |la |el |le |mon |мой |мій |новый )?"
    rf"(?:{NAMES})(?!\w))",
    re.I,
)

_PASSWORD_HINTS: Final = (
    "pass", "pwd", "pw", "psw", "pin", "puk", "otp", "code", "парол", "пас", "пин", "пін", "kennwort",
    "contrase", "clave", "mot de", "mdp", "hasł", "haslo", "senha", "wachtwoord", "parola", "şifre",
    "heslo", "lozink", "лозинк", "jelsz", "lösen", "mật", "密", "パスワード",
)  # fmt: skip
_KEY_HINTS: Final = (
    "secret", "key", "token", "code", "auth", "hash", "epp", "session", "ключ", "токен", "секрет",
    "код", "schlüssel", "clave", "código", "jeton", "clé", "_salt", "credential",
)  # fmt: skip

_LOGIN_AND: Final = Pattern(
    r"(?:login|user(?:name)?|логин|логін|benutzer(?:name)?|usuario|identifiant)[ ]?[/&][ ]?$", re.I
)

_CUT: Final = Pattern(
    r"&(?=[\w.-]{1,40}=)|;(?=\s*[\w.-]{1,40}=|$)|,(?=[\w.\"'-]{1,40}[=:])|<(?=/?[a-z]{1,10}[ />])|"
    r"\\[nr]|[\"'][,;)}\]]",
    re.I,
)
_TAIL: Final = ".,;:?)]}»”\"'`*_"
_MASKED: Final = Pattern(r"^[\W_]*[*•●·xX.…_#-]{3,}[\W_]*$")
_PLACEHOLDER: Final = Pattern(
    r"^(?:[\[<{(]|\$(?:[{(]|[a-z_]{2,60}$)|%[sdv({]|%[a-z_]{2,60}%$|your|my[-_]?(?:pass|secret|key|api)|changeme$|example|placeholder|none$|null$|nil$|"
    r"true$|false$|undefined$|"
    r"n/a$|env\(|getenv|process\.|os\.|config|password\d?$|\S{0,60}_here$|passwort$|пароль$|secret$|"
    r"string$|ваш|вашпароль|ihr|dein|tu_|votre)",
    re.I,
)
_NOT_SECRET: Final = Pattern(
    r"^(?:https?://(?![^/]*@)\S*|www\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+|/[\w./-]+|"
    r"\d{1,2}[:.]\d{2}(?:[:.]\d{2,4})?|\d{4}-\d\d-\d\d\S*|"
    r"\d{1,3}(?:\.\d{1,3}){3}|\d{1,4}[-–]\d{1,4}|\d{1,4}\+?|\d+[-–]?(?:char|zeich|симв|символ|stell|"
    r"digit|bit|zna|cara)\S*)$",
    re.I,
)


def mask_credentials(text: str) -> str:
    """The text with passwords and codes as `[password]`, and keys that are named as `[key]`."""
    small = text.lower()
    passwords, keys = named(small, _PASSWORD_HINTS), named(small, _KEY_HINTS)
    if not (passwords or keys):
        return text
    if "</" in text:
        text = _ELEMENT.sub(lambda m: m[0] if is_placeholder(m[3]) else f"{m[1]}{_word(m[2])}", text)
    if named(small, "=:,"):
        text = _VARIABLE.sub(_variable, text)
    if passwords:
        text = _PAIR.sub(_pair, text)
        text = _PASSWORD_NAMED.sub(_password, text)
    if keys:
        text = _KEY_NAMED.sub(_key, text)
    if passwords:
        text = _BACKWARDS.sub(_backwards, _BARE.sub(_bare, text))
    return text


def _password(match: re.Match[str]) -> str:
    if _LOGIN_AND.search(match.string, max(0, match.start() - 16), match.start()):
        return match[0]  # "login/password: admin / …" names two values, and `_PAIR` has taken the second.
    equals = any(sign in match[2] for sign in ":=：")
    dash = not equals and not match[2].strip().isalpha() and " " not in match[2].strip()
    return _replaced(
        match, PASSWORD, lambda value, quoted: _is_password(value, quoted, equals, dash, match[1], match[2])
    )


def _key(match: re.Match[str]) -> str:
    return _replaced(match, KEY, lambda value, quoted: _is_key(value))


def _variable(match: re.Match[str]) -> str:
    word = _word(match[1])
    strict = word == KEY
    return _replaced(
        match,
        word,
        lambda value, quoted: _is_key(value) if strict else not is_placeholder(value),
    )


def _bare(match: re.Match[str]) -> str:
    return _replaced(
        match,
        PASSWORD,
        lambda value, quoted: (not is_placeholder(value) and _mixed(value)) if quoted else is_strong(value),
    )


def _pair(match: re.Match[str]) -> str:
    value, tail = _trimmed(match[2])
    return match[0] if len(value) < 3 or is_placeholder(value) else f"{match[1]}{PASSWORD}{tail}"


def _backwards(match: re.Match[str]) -> str:
    return (
        f"{PASSWORD}{match[2]}" if is_strong(match[1].strip("\"'`«»(")) and match[1][0] != "[" else match[0]
    )


def _replaced(match: re.Match[str], word: str, wanted: _Test) -> str:
    index = match.lastindex or 0
    raw, start = match[index], match.start(index) - match.start()
    quoted = match.group()[start - 1 : start] in tuple("\"'`«“„") and match.group()[-1] != raw[-1]
    value, tail = (raw, "") if quoted else _trimmed(raw)
    if len(value) < 3 or not wanted(value, quoted):
        return match[0]
    return f"{match.group()[:start]}{word}{tail}{match.group()[start + len(raw) :]}"


def _trimmed(raw: str) -> tuple[str, str]:
    """A value as it stands in a sentence, without what belongs to the sentence."""
    cut = _CUT.search(raw)
    value = raw[: cut.start()] if cut and cut.start() >= 3 else raw
    while value and value[-1] in _TAIL:
        opened = {")": "(", "]": "[", "}": "{"}.get(value[-1])
        if opened and opened in value:
            break
        value = value[:-1]
    return value, raw[len(value) :]


def _word(name: str) -> str:
    return PASSWORD if re.search("pass|pwd", name, re.I) else KEY


def is_placeholder(value: str) -> bool:
    """Nothing, dots, or what stands where a value would: `********`, `<password>`, `${DB_PASSWORD}`."""
    return (
        not any(map(str.isalnum, value))
        or bool(_MASKED.match(value))
        or bool(_PLACEHOLDER.match(value))
        or value.casefold() in ORDINARY
    )


def _mixed(value: str) -> bool:
    """Letters and digits, or signs within: no word of a language."""
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    signs = any(character in "!@#$%^&*+=?~_<>{}|\\/" for character in value)
    return (digits and letters) or (signs and letters) or (digits and signs)


def is_strong(value: str) -> bool:
    """Beyond doubt no word, number, date, address or file, whatever stands around it."""
    return (
        len(value) >= 6
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and not _NOT_SECRET.match(value)
        and not is_placeholder(value)
        and not re.fullmatch(
            r"(?:\d+[-–]?[^\W\d_]+|[^\W\d_]+-\d{1,2}|[A-Z]{2,6}[-_]?\d{1,3}|v?\d[\d.]*)", value
        )
    )


def _is_password(value: str, quoted: bool, equals: bool, dash: bool, name: str, verb: str) -> bool:
    if is_placeholder(value) or (value.endswith(":") and not quoted):
        return False
    if _NOT_SECRET.match(value) and not (value.isdigit() and len(value) >= 3 and _about_code(name)):
        return value.isdigit() and len(value) >= 4 and equals
    distant = len(name.split()) > 2
    if _mixed(value) or value.isdigit():
        return not re.fullmatch(r"\d+[-–][^\W\d_]+", value)
    if distant and not quoted:
        return False
    if quoted or (equals and "\n" not in verb):
        return True
    inner = any(map(str.isupper, value[1:])) and not value.isupper()
    return (inner or len(value) >= 4) and not dash and _nameable(value, verb)


_DESCRIBING: Final = ("ed", "ing", "en", "ный", "ний", "ая", "ять", "ить")
"""Endings of participles and verbs: "my password is disregarded" tells none."""


def _nameable(value: str, verb: str) -> bool:
    """After "my password is", a word that describes nothing is the password."""
    return "must" not in verb and "should" not in verb and value.isalpha() and not value.endswith(_DESCRIBING)


def _about_code(name: str) -> bool:
    return bool(re.search(r"pin|puk|otp|code|код|пин|пін", name, re.I))


def _is_key(value: str) -> bool:
    digits = sum(map(str.isdigit, value))
    if is_placeholder(value) or _NOT_SECRET.match(value) or len(value) < 6:
        return value.isdigit() and len(value) >= 6 and not is_placeholder(value)
    if re.fullmatch(r"v?\d[\d.,]*|[A-Za-z]+-?\d{1,2}|\d+[A-Za-z%]{1,3}", value):
        return value.isdigit()
    signs = sum(character in "!@#$%^&*+=?~_<>{}|\\/" for character in value)
    return (digits > 0 and digits + signs < len(value)) or (signs > 0 and len(value) >= 8) or len(value) >= 24
