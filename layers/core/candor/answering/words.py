"""Words: the terms of a question, what they weigh, and when two of them are the same."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_IDENTIFIER = re.compile(r"(?=[^\s]*\d|[^\s]*[-_./])[A-Za-z0-9]+(?:[-_./:][A-Za-z0-9]+)+|\b[A-Za-z]+\d+\w*|\b\d+[A-Za-z]+\w*")

STOP = frozenset(
    """a an and are as at be been being but by can could did do does doing done for from get gets got had has have
    having he her him his how i if in into is it its just may me might mine must my no nor not of off on or our ours
    out over own per please shall she should so some such than that the their theirs them then there these they this
    those to too under up us very was we were what whats when where which while who whom whose why will with within
    would you your yours am any all also about after again am im ive id youre dont doesnt cant isnt wont didnt arent
    hi hello hey thanks thank dear team regards tell know want need like let lets s t ll re ve d m
    и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня
    еще нет о из ему теперь когда даже ну ли если уже или ни быть был него до вас опять вам ведь там потом себя ничего
    ей может они тут где есть надо ней для мы тебя их чем была сам чтоб без будто чего раз тоже себе под будет тогда
    кто этот того потому этого какой какая какие каких ним здесь этом мой моя мои моё моего моей почти тем чтобы нее
    сейчас были куда зачем всех можно при об это эта эти ваш ваша ваши вашего нужно хочу могу можете пожалуйста
    здравствуйте привет подскажите скажите сколько почему который которая которые
    і й та що як не на у в з із до за про для від чи це цей ця ці мені мій моя мої ви ваш ваша ваші я ми він вона вони
    є бути був була якщо коли де хто який яка які можна треба потрібно хочу можу будь ласка добрий день скільки чому
    der die das den dem des ein eine einen einem einer eines und oder aber ist sind war waren wie was wer wo wann
    warum welche welcher welches ich du er sie es wir ihr mein meine meinen meiner dein ihre ihren zu zum zur mit von
    vom für auf in im an am bei aus nach über unter vor nicht kein keine kann können könnte muss müssen soll wird werden
    hat haben habe auch noch schon nur so wenn dass daß man mich mir uns euch bitte hallo gibt möchte
    el la los las un una unos unas y o u de del al a en con por para es son era como que qué cuál cuáles quién dónde
    cuándo cuánto cuánta cuántos cuántas cómo mi mis tu tus su sus yo me se lo le no si sí hay puedo puede pueden
    tengo tiene quiero está están ser hacer favor hola gracias
    tôi bạn của là và có không cho với các một những này đó thì được để ở từ trong ngoài khi nào thế nào làm sao gì ai
    đâu bao nhiêu như vậy xin hãy rất cần muốn""".split()
)
"""Words that say nothing about the subject, in six languages."""

GENERAL = frozenset(
    """able add allow allowed already another anyone anything apply available bad best better big bit bug business
    call case cause change check choose clear client come common company complete computer correct correctly create
    customer day describe detail difference different difficult easy else enough error even ever every everything
    exactly example exist explain fail failed far fast figure find first fix follow full function further general give
    go going good great guy happen happened hard help hint house idea important include inform information instead issue
    keep kind know last late latest later least less long longer look lot main make many maximum maybe mean message
    method minimum more most much new next nice normal nothing now number occur offer often old once one only open
    option order part people person place possible possibly problem proper properly provide purpose put question quick
    quickly quite really reason recommend regular related right run running safe say see seem select send set setting
    several show similar simple single since situation small solution solve someone something soon sort start started
    step still stop stuff sure system take talk task thing think time today together tool try trying turn two type
    understand unable usage use used useful user using usual usually various version wait way week well whole without
    wonder word work working works wrong year yes yet
    можно работать работает сделать узнать проблема вопрос помощь помогите случай ошибка использовать получить найти
    дать нужен нужна хотеть делать способ время человек
    problem frage hilfe machen geht funktioniert finden bekommen benutzen nutzen
    problema pregunta ayuda hacer funciona usar encontrar obtener
    проблема питання допомога зробити працює отримати знайти""".split()
)
"""Words of any support question; their absence from a passage proves little."""

_SAME = (
    "price cost fee charge pricing pay rate expensive",
    "cancel terminate cancellation termination",
    "refund moneyback reimburse",
    "delete remove erase drop",
    "folder directory",
    "site website page",
    "mail email e-mail mailbox",
    "login signin logon log-in sign-in",
    "2fa two-factor 2-factor otp totp mfa",
    "machine server host",
    "fast speed performance slow",
    "forget forgot lost reset recover",
    "restart reboot",
    "activate enable switch turn",
    "deactivate disable",
    "begin start",
    "limit maximum quota max",
    "invoice bill billing",
    "upgrade update",
    "storage disk space",
    "copy duplicate clone",
    "move migrate transfer",
    "setup configure install set",
    "reachable accessible available access reach",
    "allow permit accept",
    "purchase buy order",
    "phone telephone call",
    "docs documentation manual",
    "hours schedule opening",
    "domain hostname",
    "certificate cert ssl tls https",
    "whitelist allowlist",
    "blacklist blocklist block ban",
    "цена стоимость стоит тариф",
    "удалить стереть",
    "сайт страница",
    "почта email письмо",
    "ціна вартість коштує тариф",
    "preis kosten kostet gebühr",
    "precio costo cuesta tarifa",
)

_ENDINGS_EN = (
    "ifications", "ification", "izations", "ization", "ations", "ation", "ements", "ement", "ments", "ment", "nesses",
    "ness", "ibility", "ability", "ities", "ity", "ively", "ive", "ions", "ion", "ables", "able", "ibly", "ible",
    "ingly", "ings", "ing", "edly", "ers", "ies", "ied", "ed", "er", "es", "ally", "al", "ly", "e", "s", "y",
)  # fmt: skip
_ENDINGS_CYRILLIC = (
    "иями", "ями", "ами", "ией", "иям", "иях", "ого", "его", "ому", "ему", "ыми", "ими", "ые", "ие", "ый", "ий", "ой",
    "ая", "яя", "ое", "ее", "ую", "юю", "ых", "их", "ым", "им", "ом", "ем", "ах", "ях", "ов", "ев", "ів", "ей", "ам",
    "ям", "ться", "тся", "ешь", "ить", "ать", "ять", "еть", "ити", "ати", "ют", "ут", "ит", "ет", "ят", "ла", "ло",
    "ли", "ия", "ии", "ию", "ія", "ії", "ію", "ою", "ею", "ти", "а", "я", "о", "е", "ы", "и", "у", "ю", "ь", "й", "і",
    "ї",
)  # fmt: skip
_ENDINGS_LATIN = ("ungen", "ung", "ciones", "ción", "cion", "mente", "ieren", "iert", "idades", "idad", "ados",
    "adas", "ado", "ada", "ando", "iendo", "aron", "amos", "en", "er", "em", "es", "os", "as", "ar", "ir", "an",
    "e", "n", "s", "o", "a", "t",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One word of a question. `weight` is what its absence from the evidence costs."""

    word: str
    stem: str
    weight: float
    name: bool
    """A proper name, identifier or number: nothing else can stand for it."""


def fold(text: str) -> str:
    """Case, width and apostrophes made equal."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("ё", "е")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A light stem: cruder than Snowball's, and needs no package. The word must be folded."""
    word = word.removesuffix("'s").replace("'", "")
    if not word or word[0].isdigit() or len(word) < 4:
        return word
    if "а" <= word[0] <= "я" or word[0] in "ієїґ":
        endings: tuple[str, ...] = _ENDINGS_CYRILLIC
        least = 3
    elif word.isascii():
        endings, least = _ENDINGS_EN, 3
        if word.endswith("ss"):
            return word
    else:
        endings, least = _ENDINGS_LATIN, 4
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= max(least, 4 if len(ending) > 3 else 3):
            word = word[: -len(ending)]
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] + "y" if len(word) > 3 and word.isascii() and word[-1] == "i" else word


_GENERAL_STEMS = frozenset(stem(fold(word)) for word in GENERAL)
_GROUPS: dict[str, frozenset[str]] = {}
for _line in _SAME:
    _group = frozenset(stem(part) for word in _line.split() for part in (fold(word).replace("-", ""),))
    for _stem in _group:
        _GROUPS[_stem] = _GROUPS.get(_stem, frozenset()) | _group


def tokens(text: str) -> list[str]:
    """Folded words in order, stop words included."""
    return _WORD.findall(fold(text))


def stems(text: str) -> frozenset[str]:
    """The stems of a text's words, stop words left out, with the identifiers as they stand."""
    folded = fold(text)
    found = {stem(word) for word in _WORD.findall(folded) if word not in STOP}
    found.update(match.group() for match in _IDENTIFIER.finditer(folded))
    return frozenset(found)


def holds(evidence: frozenset[str], term: str) -> bool:
    """Whether the evidence has this stem, or one that stands for the same."""
    if term in evidence or any(same in evidence for same in _GROUPS.get(term, ())):
        return True
    # Long compounds and unequal stems of one word ("config", "configuration"; "Rechnungsadresse").
    if len(term) >= 5:
        return any(
            other.startswith(term) or (len(other) >= 5 and term.startswith(other)) for other in evidence
        )
    return False


def terms(question: str, *, language: str = "en") -> tuple[Term, ...]:
    """The informative words of a question, each stem once, in order."""
    seen: dict[str, Term] = {}
    shouting = question.isupper()
    for match in _WORD.finditer(unicodedata.normalize("NFKC", question)):
        raw = match.group()
        word = fold(raw)
        if word in STOP:
            continue
        stemmed = stem(word)
        if stemmed in seen or not stemmed:
            continue
        before = question[: match.start()].rstrip(" \t\"'«“(*_`")
        opens = not before or before[-1] in ".!?:;\n…"
        inner = any(letter.isupper() for letter in raw[1:])
        name = not shouting and (
            any(letter.isdigit() for letter in raw)
            or (inner and len(raw) > 1)
            or (raw[:1].isupper() and not opens and language != "de")
        )
        general = not name and (stemmed in _GENERAL_STEMS or word in GENERAL)
        single = len(word) == 1
        weight = 0.1 if single and not name else 1.6 if name else 0.25 if general else 1.0
        seen[stemmed] = Term(word=word, stem=stemmed, weight=weight, name=name)
    return tuple(seen.values())


def coverage(wanted: Iterable[Term], evidence: frozenset[str]) -> float:
    """The share of the wanted weight that the evidence holds; 1.0 when nothing is wanted."""
    total = found = 0.0
    for term in wanted:
        total += term.weight
        if holds(evidence, term.stem):
            found += term.weight
    return found / total if total else 1.0
