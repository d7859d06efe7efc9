"""
Stemming: words of one root to one term, in the standard library.

English is Porter2 (https://snowballstem.org/algorithms/english/stemmer.html) in its classic form; the
others strip the longest inflectional ending that leaves a root, in the manner of Savoy's light
stemmers, which retrieve as well as heavier ones (J. Savoy, "Light stemming approaches for the French,
Portuguese, German and Hungarian languages", 2006). Ours rather than a package's, because a stem is part
of every index: it changes when `analysis.ANALYSER_VERSION` says so, not when a dependency is updated.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

_VOWEL: Final = "aeiouy"
_R1 = re.compile(r"[aeiouy][^aeiouy]")
_HAS_VOWEL = re.compile(r"[aeiouy]")
_SHORT_END = re.compile(r"(?:[^aeiouy][aeiouy][^aeiouywxY]|^[aeiouy][^aeiouy])$")
_DOUBLE = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")

_ENGLISH_WHOLE: Final = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl",
    "gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl", "sky": "sky",
    "news": "news", "howe": "howe", "atlas": "atlas", "cosmos": "cosmos", "bias": "bias", "andes": "andes",
    "inning": "inning", "outing": "outing", "canning": "canning", "herring": "herring",
    "earring": "earring", "proceed": "proceed", "exceed": "exceed", "exceeds": "exceed", "succeed": "succeed",
}  # fmt: skip
"""Words the rules would spoil, from Porter2 itself."""

_STEP_2: Final = (
    ("ational", "ate"), ("ization", "ize"), ("fulness", "ful"), ("ousness", "ous"), ("iveness", "ive"),
    ("tional", "tion"), ("biliti", "ble"), ("lessli", "less"), ("entli", "ent"), ("ation", "ate"),
    ("alism", "al"), ("aliti", "al"), ("ousli", "ous"), ("iviti", "ive"), ("fulli", "ful"),
    ("enci", "ence"), ("anci", "ance"), ("abli", "able"), ("izer", "ize"), ("ator", "ate"), ("alli", "al"),
    ("bli", "ble"),
)  # fmt: skip
_STEP_3: Final = (
    ("ational", "ate"), ("tional", "tion"), ("alize", "al"), ("icate", "ic"), ("iciti", "ic"),
    ("ical", "ic"), ("ness", ""), ("ful", ""),
)  # fmt: skip
_STEP_4: Final = (
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive",
    "ize", "al", "er", "ic",
)  # fmt: skip

_ENDINGS: Final = {
    "ru": """ившись ывшись вшись ивши ывши вши иями ями ами ейшими ейшего ейший ими ыми его ого ему ому
        ованием ования ование ованию ований ости остью остей ость ение ения ению ением ений ании ании ания
        ание анию анием аний ается уется ются ится ятся аться яться иться уться ался илась илось ились алась
        ала ило ила или ыла ыло ыли али ало ать ять ить уть еть ует уют ают яют ает яет ите йте ишь ешь ены
        ена ено ее ие ые ое ей ий ый ой ем им ым ом их ых ую юю ая яя ою ею ию ью ия ья ев ов иях ях ах ам ям
        ят ит ут ют ет ил ал ся сь а е и й о у ы ь ю я""",
    "uk": """уванням уванню ування увань юванням юванню ювання ювань анням анню ання ань енням енню ення ень
        уватися юватися уватись уються юються ується юється ається яється аються яються иться яться атися
        итися увати ювати увала ував увало ували увавши ує уємо уєте уй уйте ують юють ають яють ати яти ити
        іти ала ало али ила ило или ував ав ив ив ять ить ять ємо ємо ете єте иш єш еш ими іми ого ього ому
        ьому ості істю остей ість ями ами ові еві єві ою ею єю ій ий їй ої ії ія ію єю ям ам ях ах ів їв ев
        ем єм ом им ім их іх ує ає яє ся сь ть а е и і ї й о у ь ю я є""",
    "de": """ungen ung ern erns em en er es est st e s""",
    "es": """amientos amiento imientos imiento aciones ación acion adores ador adora ándose iéndose ando iendo
        ados adas idos idas ado ada ido ida aremos eremos iremos aría ería iría ará erá irá arse erse irse
        ar er ir amos emos imos aban aba ían ía aron ieron ció es os as o a e""",
    "fr": """issements issement ements ement ations ation ateurs ateur euses euse eurs eur ées ée és ez er ir
        ent ant ants ante antes aient ait ais ons eaux aux es e s""",
    "pl": """owaniem owania owanie owaniu aniem ania anie aniu eniem enia enie eniu ować ywać iwać ować ości
        ością ość ami ach owi ego emu ymi imi ych ich iej ej ów om em ie ym im ąć ać eć ić yć uje ują ał ała
        ało ali ił iła iło ą ę a e i o u y""",
}  # fmt: skip
"""Inflectional endings, longest first after `_by_length`; Latin ones are matched without diacritics."""

_LEAST_ROOT: Final = {"ru": 3, "uk": 3, "de": 4, "es": 3, "fr": 4, "pl": 3}

LANGUAGES: Final = ("en", *_ENDINGS)
"""Languages with a stemmer; words of any other stay as they are."""

_CACHED: Final = 200_000


def stemmer(language: str) -> Callable[[str], str] | None:
    """The function that stems one lower-case word without diacritics, or None for an unknown language."""
    return _remembering(language) if language in LANGUAGES else None


@cache
def _remembering(language: str) -> Callable[[str], str]:
    strip = _english if language == "en" else _light(language)
    known: dict[str, str] = {}

    def stem(word: str) -> str:
        found = known.get(word)
        if found is None:
            if len(known) >= _CACHED:
                known.clear()
            found = known[word] = strip(word)
        return found

    return stem


def _light(language: str) -> Callable[[str], str]:
    from_longest = _by_length(language)
    least = _LEAST_ROOT[language]

    def strip(word: str) -> str:
        for ending in from_longest:
            if word.endswith(ending) and len(word) - len(ending) >= least:
                word = word[: -len(ending)]
                break
        return _slavic_root(word) if language in ("ru", "uk") else word

    return strip


def _slavic_root(word: str) -> str:
    """Without a soft sign, a doubled н and a fleeting vowel: `ошибок` becomes `ошибк`, as `ошибка` does."""
    if len(word) > 3:
        word = word.removesuffix("ь")
    if word.endswith("нн"):
        word = word[:-1]
    if len(word) > 4 and word.endswith(("ок", "ек")):
        before = word[:-2]
        word = (before + "йк") if before[-1] in "аеиоуіє" else (before.removesuffix("ь") + "к")
    return word


@cache
def _by_length(language: str) -> tuple[str, ...]:
    fold = str.maketrans("áéíóúüñçèêëîïûùâàôäöąęłńśźżć", "aeiouunceeeiiuuaaoaoaelnszzc")
    endings = {ending.translate(fold) for ending in _ENDINGS[language].split()}
    return tuple(sorted(endings, key=lambda ending: (-len(ending), ending)))


def _english(word: str) -> str:
    if len(word) <= 2 or not word.isascii() or not word.isalpha():
        return word
    if word in _ENGLISH_WHOLE:
        return _ENGLISH_WHOLE[word]

    word = re.sub(r"(?:^|(?<=[aeiouy]))y", "Y", word)
    first = _after_first(word, 0)
    for prefix in ("gener", "commun", "arsen"):
        if word.startswith(prefix):
            first = len(prefix)
    second = _after_first(word, first)

    word = _plural(word)
    word = _past_and_gerund(word, first)
    if len(word) > 2 and word[-1] in "yY" and word[-2] not in _VOWEL:
        word = word[:-1] + "i"
    word = _derivation(word, first, second)
    if word.endswith("e"):
        if len(word) - 1 >= second or (len(word) - 1 >= first and not _SHORT_END.search(word[:-1])):
            word = word[:-1]
    elif word.endswith("ll") and len(word) - 1 >= second:
        word = word[:-1]
    return word.replace("Y", "y")


def _after_first(word: str, start: int) -> int:
    """Where the region after the first consonant behind a vowel begins (Porter2's R1; R2 from R1)."""
    found = _R1.search(word, start)
    return found.end() if found else len(word)


def _plural(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and _HAS_VOWEL.search(word[:-2]):
        return word[:-1]
    return word


def _past_and_gerund(word: str, first: int) -> str:
    for ending in ("eedly", "eed"):
        if word.endswith(ending):
            return word[: -len(ending)] + "ee" if len(word) - len(ending) >= first else word
    for ending in ("ingly", "edly", "ing", "ed"):
        if word.endswith(ending):
            root = word[: -len(ending)]
            if not _HAS_VOWEL.search(root):
                return word
            if root.endswith(("at", "bl", "iz")):
                return root + "e"
            if root.endswith(_DOUBLE) and root not in ("add", "egg", "off"):
                return root[:-1]
            return root + "e" if first >= len(root) and _SHORT_END.search(root) else root
    return word


def _derivation(word: str, first: int, second: int) -> str:
    for ending, instead in _STEP_2:
        if word.endswith(ending):
            if len(word) - len(ending) >= first:
                word = word[: -len(ending)] + instead
            break
    else:
        if word.endswith("ogi") and word[-4:-3] == "l" and len(word) - 3 >= first:
            word = word[:-1]
        elif word.endswith("li") and word[-3:-2] in "cdeghkmnrt" and len(word) - 2 >= first:
            word = word[:-2]
    for ending, instead in _STEP_3:
        if word.endswith(ending):
            if len(word) - len(ending) >= first:
                word = word[: -len(ending)] + instead
            break
    else:
        if word.endswith("ative") and len(word) - 5 >= second:
            word = word[:-5]
    for ending in _STEP_4:
        if word.endswith(ending):
            return word[: -len(ending)] if len(word) - len(ending) >= second else word
    if word.endswith(("sion", "tion")) and len(word) - 3 >= second:
        return word[:-3]
    return word
