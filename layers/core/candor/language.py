"""Language: which one a text is written in, told by its letters and its smallest words."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Final

UNDETERMINED: Final = "und"

_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_READ_AT_MOST: Final = 4000
"""Characters looked at: a few hundred words decide, and a page may be long."""

_SCRIPTS: Final = (
    ("el", "\u0370", "\u03ff"),
    ("cyrillic", "\u0400", "\u052f"),
    ("he", "\u0590", "\u05ff"),
    ("ar", "\u0600", "\u06ff"),
    ("hi", "\u0900", "\u097f"),
    ("th", "\u0e00", "\u0e7f"),
    ("ja", "\u3040", "\u30ff"),
    ("zh", "\u3400", "\u9fff"),
    ("ko", "\uac00", "\ud7af"),
)
"""Scripts beyond Latin, most of them a language by themselves."""

_STOP_WORDS: Final = {
    "en": """a an the and or but if then else of at by for with about into to from up down in out on off
        over under is are was were be been being am do does did doing done have has had having can
        could will would shall should may might must i you he she it its we they them this that these
        those my your his her our their me him us what which who whom whose when where why how not no
        nor so than too very just also there here as i'm i've it's don't can't doesn't isn't won't
        didn't any some all each such only own same please hi hello thanks get""",
    "ru": """и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее её
        мне было вот от меня еще ещё нет о из ему когда даже ну если уже или ни быть был него до вас
        вам ли есть этот эта это эти для мы они их мой моя мое моё мои можно почему где при чтобы
        сколько какой какая какие какое под через нужно надо ли тоже после чем об""",
    "uk": """і й та в у на не що як я з із зі до це чи ви ми він вона вони воно є за від але або якщо коли
        де чому для по про так його її їх мій моя моє мої мені мене ваш ваша ваше ваші вам вас цей ця
        ці той був була було були бути також після щоб скільки який яка яке які можна треба потрібно
        під через чим ще вже тільки при об""",
    "de": """der die das und oder aber ein eine einen einem einer eines ist sind war waren wird werden
        wurde ich du er sie es wir ihr mein meine meinen meinem meiner dein deine ihre ihren nicht
        kein keine keinen mit von zu zum zur im in auf an am für bei nach aus über unter vor durch wie
        was wer wo wann warum welche welcher welches kann können könnte muss müssen soll sollte darf
        habe hat haben hatte wenn dass als auch nur noch man mich mir sich so den dem des um bitte""",
    "es": """el la los las un una unos unas y o u pero si de del al a en con por para sin sobre es son era
        fue ser está están estoy hay he ha han yo tú él ella ellos nosotros mi mis tu tus su sus me te
        se le les lo no que qué cómo como cuál cuándo cuando dónde donde quién porqué por qué puedo
        puede pueden poder debo tengo tiene hacer hago este esta esto estos estas ese esa eso muy más
        también ya hasta desde""",
    "fr": """le la les un une des et ou mais si de du au aux à en dans par pour avec sans sur sous est sont
        était être suis je tu il elle on nous vous ils elles mon ma mes ton ta tes son sa ses notre
        nos votre vos ne pas plus que qui quoi quel quelle quels quelles comment quand où pourquoi
        peux peut puis dois ai a as avez ont ce cet cette ces se me te lui leur y aussi très fait
        faire c'est j'ai n'est d'un d'une qu'est""",
    "pl": """i w we z ze na nie do to że się jest są był była było być jak co czy ale lub albo jeśli gdy
        kiedy gdzie dlaczego dla po przez od o u za przy pod nad ja ty on ona ono my wy oni mój moja
        moje moim mojego twój swój jego jej ich mnie mi ci go ten ta te tego tej tym tych który która
        które mogę może można mam masz ma muszę trzeba tylko też już jeszcze bardzo ile jaki jaka
        jakie""",
    "vi": """và của là có không được cho với các những một này đó thì mà ở trong trên từ đến để khi nếu như
        thế nào làm sao gì tại bao nhiêu tôi bạn chúng họ nó đã đang sẽ bị ra vào về cũng rất hay hoặc
        nhưng vì nên còn lại hãy thể cách xin""",
    "pt": """o a os as um uma uns umas e ou mas se de do da dos das em no na nos nas por para com sem sobre
        é são era foi ser está estão eu você ele ela nós eles elas meu minha meus minhas seu sua seus
        suas não que qual como quando onde quem porque posso pode podem tenho tem fazer este esta isto
        esse essa isso muito mais também já ao à até""",
    "it": """il lo la i gli le un uno una e o ma se di del della dei delle da dal in nel nella con su per
        tra è sono era essere ho ha hanno io tu lui lei noi voi loro mio mia miei mie tuo tua suo sua
        non che chi cosa come quando dove perché quale posso può devo fare questo questa questi queste
        quello molto più anche già si mi ti ci""",
    "nl": """de het een en of maar als van voor met op in aan bij naar uit over onder door is zijn was
        waren wordt worden ik jij je hij zij ze wij we jullie mijn jouw uw hun haar niet geen wat wie
        waar wanneer waarom hoe welke kan kunnen moet moeten mag heb heeft hebben had dit dat deze die
        er om te dan ook nog al zo mij""",
}

_TELLING: Final = {
    "en": """password account email website error change reset cancel order payment refund need want work
        working help create delete add update show use why install server set enable disable per month
        year monthly yearly price plan""",
    "ru": """пароль почта аккаунт сайт ошибка изменить сменить сбросить заказ оплата помогите работает
        создать удалить добавить настроить включить подключить сервер восстановить отменить""",
    "uk": """пошта обліковий сайт помилка змінити скинути замовлення оплата допоможіть працює створити
        видалити додати налаштувати увімкнути підключити відновити скасувати""",
    "de": """passwort konto fehler ändern zurücksetzen kündigen bestellung zahlung hilfe erstellen löschen
        hinzufügen einrichten funktioniert webseite rechnung anmelden""",
    "es": """contraseña cuenta correo sitio página cambiar restablecer cancelar pedido pago reembolso ayuda
        crear eliminar añadir configurar funciona factura""",
    "fr": """mot passe compte courriel modifier changer réinitialiser annuler commande paiement
        remboursement aide créer supprimer ajouter configurer fonctionne erreur facture""",
    "pl": """hasło konto poczta strona błąd zmienić zresetować anulować zamówienie płatność pomoc utworzyć
        usunąć dodać skonfigurować działa faktura""",
    "vi": """mật khẩu tài khoản trang lỗi thay đổi đặt lại hủy đơn hàng thanh toán trợ giúp tạo xóa thêm
        cài khong duoc cua toi lam sao nhu nao mat khau tai khoan doi trang cach""",
}
"""Words of support talk that tell a language when a short question has no small word in it."""

_LETTERS: Final = {
    "ru": "ыэъё",
    "uk": "іїєґ",
    "de": "äöüß",
    "es": "ñ¿¡",
    "fr": "çèêëîïûùœ",
    "pl": "ąęłńśźżć",
    "vi": "ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "pt": "ãõç",
}
"""Letters that few other languages listed here use."""

_REFERRING: Final = """
    it its that this they them these those there one ones same he she him her
    это этот эта эти этого этой его её ее их они он она там тогда тоже
    це цей ця ці цього цієї його її їх вони він вона там тоді також
    das dies diese dieser dieses es sie ihn dort dann auch eso esto ese esa ello ellos allí también
    cela ça celui celle ceux ils elles là aussi to ten tego tam też nó đó này vậy
"""
"""Words that point at something said before."""

_RARER: Final = frozenset({"pt", "it", "nl"})
"""Known so as not to be taken for their neighbours; a word they share with one speaks for the neighbour."""

_CYRILLIC: Final = frozenset({"ru", "uk"})


@cache
def stop_words(language: str) -> frozenset[str]:
    """The language's smallest words, lower-case; none for a language we have no list of."""
    return frozenset(_STOP_WORDS.get(language, "").split())


def script_of(text: str) -> str:
    """`latin`, `cyrillic`, another script's language (`el`, `zh`, …), or `und` without a letter."""
    seen: Counter[str] = Counter()
    # Each letter is looked at once, however often it occurs: a page has a few dozen different ones.
    for letter, times in Counter(text[:_READ_AT_MOST]).items():
        if letter.isalpha():
            seen[_script(letter)] += times
    if not seen:
        return UNDETERMINED
    if seen["ja"] and seen["ja"] + seen["zh"] > seen.total() // 2:
        return "ja"  # Kana among Han characters: only Japanese mixes them.
    return seen.most_common(1)[0][0]


def detect(text: str, *, words_ahead: float = 0.2) -> str:
    """
    The ISO 639-1 code of the language, or `und` when the text does not tell.

    Evidence is counted per word: 1 for a small or a telling word of the language, 0.7 for a letter of its
    own. The best language wins if it is so many words ahead of the next; between two that tie nothing is
    told.
    Bare product names and error codes are `und`: callers choose what that means to them.
    """
    text = text[:_READ_AT_MOST]
    script = script_of(text)
    if script not in ("latin", "cyrillic"):
        return script

    words = [word.replace("’", "'").replace("ʼ", "'") for word in _WORD.findall(text.lower())]
    spoken = _languages_of_words(cyrillic=script == "cyrillic")
    lettered = _languages_of_letters(cyrillic=script == "cyrillic")
    evidence = dict.fromkeys(_STOP_WORDS, 0)
    for word in words:
        for language in spoken.get(word, ()):
            evidence[language] += 10
        if not word.isascii():
            for language in {language for letter in word for language in lettered.get(letter, ())}:
                evidence[language] += 7
    for language in _RARER:
        evidence[language] = evidence[language] * 3 // 4
    if "¿" in text or "¡" in text:
        evidence["es"] += 10

    best = max(evidence, key=evidence.__getitem__)
    most = evidence.pop(best)
    return best if most - max(evidence.values()) >= 10 * words_ahead else UNDETERMINED


def refers_back(text: str) -> bool:
    """Whether a word of it points at something said before: "does *it* cost more?"."""
    return not _referring_words().isdisjoint(_WORD.findall(text.lower()))


@cache
def _referring_words() -> frozenset[str]:
    return frozenset(_REFERRING.split())


@cache
def _languages_of_words(*, cyrillic: bool) -> dict[str, tuple[str, ...]]:
    """The languages that each small or telling word speaks for, among those of the script."""
    languages = [language for language in _STOP_WORDS if (language in _CYRILLIC) is cyrillic]
    return _turned({name: stop_words(name) | frozenset(_TELLING.get(name, "").split()) for name in languages})


@cache
def _languages_of_letters(*, cyrillic: bool) -> dict[str, tuple[str, ...]]:
    return _turned({name: letters for name, letters in _LETTERS.items() if (name in _CYRILLIC) is cyrillic})


def _turned(marks: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """From what marks a language to the languages of each mark."""
    languages: dict[str, list[str]] = {}
    for language, own in marks.items():
        for mark in own:
            languages.setdefault(mark, []).append(language)
    return {mark: tuple(named) for mark, named in languages.items()}


@lru_cache(maxsize=4_096)
def _script(letter: str) -> str:
    for name, first, last in _SCRIPTS:
        if first <= letter <= last:
            return name
    return "latin"
