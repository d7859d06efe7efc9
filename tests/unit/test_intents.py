"""Intents: what patterns are taken, how they match, and what is said."""

import random
import re
from typing import Any

import pytest

from candor.adapters.memory_entries import MemoryBooks
from candor.answering.policy import Policy
from candor.answering.service import Shortcuts
from candor.intents.automaton import NEVER, Automaton, Tired
from candor.intents.grammar import read
from candor.intents.patterns import checked, prepared
from candor.intents.service import Intents
from candor.intents.shortcuts import LiveShortcuts
from tests.growth import assert_linear, spent

LONG = 60.0

CATASTROPHIC = (
    r"(a+)+$", r"(a*)*b", r"(a|a)*$", r"(a|aa)+$", r"(.*a){20}", r"(\w+\s?)+$", r"(?:\w+ ?)*!$", r"(x+x+)+y",
    r"(.*?,){11}P", r"(a?){30}a{30}", r"([a-zA-Z]+)*$", r"(\d+\.?\d*)+x", r"(?:.*)*=", r".*.*.*=",
    r"\s*\s*\s*$",
    r"(a+b?)+c", r"(foo|foobar|bar|baz|bar)+$", r"(a{1,10}){1,10}", r"(?:\w+\s*)+:",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^(([a-zA-Z0-9])+([-.]?[a-zA-Z0-9])*)+@", r"(?:(?:a+)b?)+c", r"((a|b)*c?)*d", r"(.+)+x", r"(ab|a|b)*c",
    r"([\w-]+\.?)+@", r"(?i)(a+)+b", r"(a|b|ab)*c", r"(\d|\d\d)+x", r"(?:a+|b)*?$", r"(?:how|h|ow)+ much",
    r"((ab)*)*x", r"(([^\s]+\s*)+)$", r"(.|\s)*end", r"(?:.|,)+x", r"(?:\w\w?)+x", r"(?:a{1,3}){2,}b",
    r"(?:hello|hell|o)*!", r"(привет|прив|ет)*!", r"(?:[а-я]+)+$", r"(?:[а-яё]+\s?)*\?",
    r"a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaa", r"(?:\w*\w*)*x", r"(?:\w*)+x", r"((\w+)*)+x",
    r"(a(b|c)?)+|(x+)+y",
    r"(?:(?:\s*)\w+)*(?:\s*\w+)*(?:a+)+$", r"([^@]+)+@", r"(?:[^a]|b)+a$", r"^(\w+)*@", r"(?:(?:x|y)+)+z",
    r"(?:\d{1,9}){1,9}x", r"(?:ab?){2,}(?:a+)+", r"(a+){10}x", r"\d+\d+\d+\d+x", r"(?:.+,?)+;",
    r"((((a+)+)+)+)b",
    r"(?:\S+\s*)*$", r"(?:(?:hi|hello)+\W*)+$", r"(?:a|b?)*?(?:a+a+)+c", r"(?:x*){2,}y",
    r"(?:[ab]{0,20}){2,}c", r"(?:(?:\d+)-?)+$", r"^(?:a+|a+b)+c", r"(?:(?:ab){1,}){1,}c",
)  # fmt: skip
"""Each takes an engine that backtracks more steps than anybody has time for, on some text."""

HARMLESS = (
    r"^hello$", r"hello", r"^(?:hi|hello|hey)(?: there)?[\s!.]*$", r"\brefund\b", r"refund|money back",
    r".*refund.*",
    r".*refund.*policy.*", r"^who are you\??$", r"what (?:can|do) you do", r"\bкто ты\b", r"^привет[\s!.,]*$",
    r"(?:ab)+", r"(?:\w+ )+x", r"(?:\w+\s)+end", r"\d+", r"\d{1,3}(?:,\d{3})*(?:\.\d+)?",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"[\w.+-]+@[\w-]+\.[\w.]+", r"https?://\S+", r"(?:https?://)?(?:www\.)?example\.com",
    r"(?i)opening hours",
    r"^\s*help\s*$", r"^\W*(?:thanks|thank you)\W*$", r"(?:very )*good", r"a{3,20}", r"(?:ab|cd|ef)+",
    r"(?:a|b|c)*d",
    r"[abc]+d", r"colou?r", r"gr[ae]y", r"\bVPS\b.*\bprice\b", r"(?:price|cost|how much).*(?:vps|hosting)",
    r"(?:xin )?chào(?: bạn)?", r"¿?qué puedes hacer\??", r"was kannst du(?: alles)?(?: tun)?\??",
    r"що ти вмієш",
    r"(?P<name>hello) world", r"\Ahello\Z", r"hello(?# a comment)", r"(?x) hello \s world", r"[^a-z]+",
    r"\S+\s+\S+",
    r"[A-Z]{2}-\d{4,6}", r"#\d+", r"ticket\s*#?\s*\d+", r"\$\d+(?:\.\d\d)?", r"(?:yes|no|maybe)\b",
    r"x.{0,80}y",
    r"(?:one|two|three)(?:,(?:one|two|three))*", r"(?:[a-z]+-)*[a-z]+", r"\w+(?:\s\w+)*",
    r"^(?:please |pls )?(?:tell me )?who are you", r"2\+2", r"\(c\) \d{4}", r"C\+\+", r"\bне работает\b",
    r"как (?:оплатить|заплатить)", r"[\u4e00-\u9fff]{2,}", r"営業時間", r"(?s)a.b",
    r"(?m)^hello$", r"a.*b.*c",
    r"(?:can|could) (?:you|u) help(?: me)?", r"(?:-?\d+(?:\.\d+)?\s)+m", r"(?:\[\d+\])+",
    r"what('s| is) your name",
    r"(\w+), (\w+)", r"^(?:.+ )?cancel (?:my )?(?:account|plan)", r"\d+\s*(?:gb|mb|tb)\b", r"(?:[^,]*,)+x",
    r"(?:\w+\s?){1,3}x", r"(?:w0|w1|w2|w3|w4|w5|w6|w7|w8|w9|w10|w11)+", r"(?:(?:\d\d)?:)+",
)  # fmt: skip


def matches(pattern: str, text: str) -> bool:
    return Automaton([(read(pattern), 0)]).first(text, seconds=LONG) == 0


@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_a_catastrophic_pattern_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"repeat|optional"):
        checked(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_harmless_pattern_is_taken_as_it_is(pattern: str) -> None:
    assert checked(pattern) == pattern


def test_a_pattern_is_compared_in_composed_letters() -> None:
    assert checked("cafe\u0301") == "café"
    assert matches(checked("cafe\u0301"), prepared("CAFE\u0301"))


@pytest.mark.parametrize(
    "pattern",
    [
        *("|", "^$", r"\b", "x?", "(?:)", "a{0}", "(?:a|)", "(?=a)", "(?:(?:a?){3}){3}", "(?i", "a**"),
        *("\\", "[[a]]", r"\p{L}"),
    ],
)  # fmt: skip
def test_what_is_no_pattern_or_matches_everything_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked(pattern)


def test_words_are_words_in_every_language() -> None:
    assert matches(r"\bдомен\b", "мой домен не работает")
    assert not matches(r"\bдомен\b", "мои домены не работают")
    assert matches(r"^\w+$", "Öffnungszeiten")
    assert matches("ПРИВЕТ", "привет")
    assert matches("größe", "GRÖßE")


def test_the_machine_agrees_with_re_on_whatever_pattern() -> None:
    rolls = random.Random(20)
    atoms = ["a", "b", "B", "я", "Я", " ", "1", ".", r"\w", r"\d", r"\s", "[ab]", "[^a]", r"\W", "é", "[а-я]"]

    def pattern(depth: int) -> str:
        kind = rolls.random()
        if depth == 0 or kind < 0.35:
            return rolls.choice(atoms)
        if kind < 0.6:
            return "".join(pattern(depth - 1) for _ in range(rolls.randint(1, 3)))
        if kind < 0.75:
            return "(?:" + "|".join(pattern(depth - 1) for _ in range(rolls.randint(1, 3))) + ")"
        if kind < 0.9:
            repeat = rolls.choice(["*", "+", "?", "{2}", "{1,3}", "*?", "{2,}"])
            return f"(?:{pattern(depth - 1)}){repeat}"
        return rolls.choice(["^", "$", r"\b", r"\B"]) + pattern(depth - 1)

    compared = 0
    for _ in range(1_500):
        made = pattern(3)
        machine, engine = Automaton([(read(made), 0)]), re.compile(made, re.IGNORECASE)
        for _ in range(4):
            text = " ".join("".join(rolls.choice("abAяЯ1.é ") for _ in range(rolls.randint(1, 9))).split())
            if text:  # Python itself is not of one mind about \B in an empty text.
                compared += 1
                assert (machine.first(text, seconds=LONG) == 0) is bool(engine.search(text)), (made, text)
    assert compared > 4_000


def test_of_many_patterns_the_first_in_order_is_told_wherever_it_stands() -> None:
    machine = Automaton([(read("late"), 2), (read("early"), 1), (read("never"), 0)])

    assert machine.first("late, and early too", seconds=LONG) == 1
    assert machine.first("only late", seconds=LONG) == 2
    assert machine.first("neither", seconds=LONG) == NEVER
    assert Automaton([]).first("text", seconds=LONG) == NEVER


def test_a_longer_text_takes_longer_in_proportion_whatever_the_pattern() -> None:
    trees = [(read(pattern), 0) for pattern in CATASTROPHIC if not pattern.startswith("(?:.*")]

    def read_through(length: int) -> None:
        machine = Automaton(trees)
        machine.first("z" * length, seconds=LONG)
        machine.first("aA" * (length // 2), seconds=LONG)

    # An engine that backtracks would need more than a lifetime for the longer one.
    assert_linear(read_through, int, 40)


def test_a_reading_that_takes_too_long_ends_and_what_was_learnt_of_it_stays() -> None:
    machine = Automaton([(read(f"a.{{0,60}}x{number}y"), number) for number in range(9)])
    text = "a" * 40 + "x7y"

    tired = 0
    while True:
        try:
            found = machine.first(text, seconds=0)
            break
        except Tired:
            tired += 1
            assert tired < 1_000

    # Each reading took the step that the one before it had no time for.
    assert found == 7
    assert 40 <= tired <= len(text)


def test_a_visitor_who_sends_every_letter_there_is_does_not_fill_the_memory() -> None:
    house = House()
    machine = Automaton([(read(p), r) for r, i in enumerate(house.intents.seeds()) for p in i.alternatives])

    most = 0
    for start in range(0x4E00, 0x9FFF, 200):
        machine.first("".join(map(chr, range(start, start + 200))), seconds=LONG)
        most = max(most, machine.kept)

    assert most <= 21_000
    assert machine.kept < most


def test_the_machine_forgets_rather_than_grow_without_end() -> None:
    machine = Automaton([(read(r"a.{0,40}b"), 0)])
    rolls = random.Random(3)

    for _ in range(120):
        machine.first("".join(rolls.choice("abc") for _ in range(200)), seconds=LONG)

    assert machine.kept <= 21_000
    assert machine.first("a" + "c" * 39 + "b", seconds=LONG) == 0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("What can you do?", "what_can_you_do"),
        ("Hi, how can you help me?", "what_can_you_do"),
        ("что ты умеешь", "what_can_you_do"),
        ("Чим ви можете допомогти?", "what_can_you_do"),
        ("Was kannst du alles?", "what_can_you_do"),
        ("¿Qué puedes hacer?", "what_can_you_do"),
        ("bạn có thể làm gì", "what_can_you_do"),
        ("who are you", "who_are_you"),
        ("what’s your name?", "who_are_you"),
        ("Привет! Кто ты?", "who_are_you"),
        ("ви бот?", "who_are_you"),
        ("Bist du ein Mensch?", "who_are_you"),
        ("¿Quién eres?", "who_are_you"),
        ("bạn là ai vậy", "who_are_you"),
        ("Who am I?", "who_am_i"),
        ("кто я?", "who_am_i"),
        ("хто я", "who_am_i"),
        ("Wer bin ich?", "who_am_i"),
        ("quién soy", "who_am_i"),
        ("tôi là ai", "who_am_i"),
        ("tell me about yourself", "about"),
        ("Расскажите о себе", "about"),
        ("розкажи про себе", "about"),
        ("über dich", "about"),
        ("sobre ti", "about"),
        ("giới thiệu", "about"),
        ("Hello!!!", "hello"),
        ("  hi   there ", "hello"),
        ("👋 hey", "hello"),
        ("Добрый день", "hello"),
        ("доброго ранку", "hello"),
        ("Guten Morgen zusammen", "hello"),
        ("Buenos días", "hello"),
        ("Xin chào", "hello"),
    ],
)
def test_seeds_recognise_whole_messages_in_six_languages(text: str, key: str) -> None:
    assert recognised(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "hello, how do I renew?",
        "Hi, my site is down",
        "Привет, как продлить домен?",
        "Добрый день! Не приходит письмо.",
        "Hallo, wie kündige ich?",
        "hola, no puedo entrar",
        "xin chào, tôi quên mật khẩu",
        "what can you do about spam?",
        "How can you help me with my VPS?",
        "who are your resellers?",
        "about refunds",
        "Who am I paying?",
        "как вы работаете?",
        "what are your prices",
        "",
        "   ",
        "?!",
    ],
)
def test_a_question_that_only_begins_like_a_greeting_stays_a_question(text: str) -> None:
    assert recognised(text) is None


def recognised(text: str) -> str | None:
    intents = Intents(books=MemoryBooks()).seeds()
    patterns = [
        (read(pattern), rank) for rank, intent in enumerate(intents) for pattern in intent.alternatives
    ]
    rank = Automaton(patterns).first(prepared(text), seconds=LONG) if prepared(text) else NEVER
    return None if rank == NEVER else intents[rank].key


class House:
    """Intents on a shelf in memory, and a function that answers by them."""

    def __init__(self, *, seconds: float = LONG, **policy: Any) -> None:
        self.books = MemoryBooks()
        self.intents = Intents(books=self.books)
        self.now = 100.0
        self.policy = Policy(**policy)
        self.shortcuts = LiveShortcuts(
            intents=Intents(books=self.books),
            policies=lambda: self.policy,
            ticks=lambda: self.now,
            # A collector walking over the objects of a thousand earlier tests is on this thread's clock too.
            seconds=seconds,
        )

    def add(self, **more: Any) -> str:
        said = {"key": "hours", "patterns": "hours", "answer": "Nine to five."}
        return self.intents.add(**{**said, **more}).intent_id


def test_the_live_shortcuts_are_what_answering_asks_for() -> None:
    port: Shortcuts = House().shortcuts

    assert port.answer("no such thing") is None


def test_a_change_is_seen_within_five_seconds_and_reads_nothing_until_then() -> None:
    house = House()
    assert house.shortcuts.answer("your hours?") is None
    house.add()

    reads = house.books.reads
    assert house.shortcuts.answer("your hours?") is None
    assert house.books.reads == reads

    house.now += 4.9
    assert house.shortcuts.answer("your hours?") == "Nine to five."


def test_intents_that_have_not_changed_are_not_read_again() -> None:
    house = House()
    house.shortcuts.answer("hello")
    reads = house.books.reads

    for _ in range(5):
        house.now += 10
        house.shortcuts.answer("hello")

    assert house.books.reads == reads


def test_a_table_that_is_down_costs_nothing_but_freshness() -> None:
    house = House()
    house.add()
    assert house.shortcuts.answer("hours") == "Nine to five."

    house.books.down = True
    house.now += 60
    assert house.shortcuts.answer("hours") == "Nine to five."

    house.books.down = False
    house.intents.delete(house.intents.read()[1][-1].intent_id)
    house.now += 5
    assert house.shortcuts.answer("hours") is None


def test_a_function_that_starts_while_the_table_is_down_has_the_seeds() -> None:
    house = House()
    house.add()
    house.books.down = True

    assert house.shortcuts.answer("hours") is None
    assert house.shortcuts.answer("hello") == "Hello! How can I help you?"

    house.books.down = False
    house.now += 5
    assert house.shortcuts.answer("hours") == "Nine to five."


def test_a_message_whose_reading_takes_too_long_is_answered_as_if_there_were_no_intents() -> None:
    hasty, patient = House(seconds=-1.0), House()
    for house in (hasty, patient):
        house.add()

    assert patient.shortcuts.answer("your hours?") == "Nine to five."
    assert hasty.shortcuts.answer("your hours?") is None


def test_name_and_greeting_are_filled_in_and_nothing_else() -> None:
    house = House(app_name="Ada", greeting="Ahoy, {app_name} here. {0}")
    house.add(answer="I am {app_name}: {greeting} {other} {0!r}")

    assert house.shortcuts.answer("hours") == "I am Ada: Ahoy, Ada here. {0} {other} {0!r}"
    assert house.shortcuts.answer("hello") == "Ahoy, Ada here. {0}"


@pytest.mark.parametrize(
    "text", ["x" * 10_000 + " hours", "ha" * 100_000, "\ud800", "\x00", "𝒽" * 600, "ﬁ" * 600]
)
def test_whatever_is_asked_is_read_for_its_beginning_and_raises_nothing(text: str) -> None:
    house = House()
    house.add()

    assert house.shortcuts.answer(text) is None


def test_a_pattern_that_cannot_be_read_any_more_leaves_the_others_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House()
    house.add(patterns=["hours", "open"])
    book = house.books.read("intents")
    broken = {**book.entries[0].content, "patterns": ["(", "open"]}
    from dataclasses import replace

    house.books.write("intents", version=2, put=replace(book.entries[0], content=broken))

    assert house.shortcuts.answer("are you open?") == "Nine to five."
    assert "pattern not read" in caplog.text


def test_thirty_intents_cost_a_question_less_than_a_table_lookup() -> None:
    house = House()
    for number in range(25):
        patterns = [
            rf"\bword{number}\b.*\bprice\b",
            rf"^(?:how|what) (?:is|are) word{number}\W*$",
            f"thing {number}",
        ]
        house.add(key=f"k{number}", patterns=patterns)
    questions = [
        f"How do I renew plan {number}, and what is the price of word{number % 9}?" for number in range(50)
    ]
    for question in questions:
        house.shortcuts.answer(question)

    engines = [re.compile(p, re.I) for i in house.intents.read()[1] for p in i.alternatives]
    ours = min(spent(lambda: [house.shortcuts.answer(q) for q in questions * 20]) for _ in range(5))
    theirs = min(spent(lambda: [e.search(q) for q in questions * 20 for e in engines]) for _ in range(5))

    assert ours < 2 * theirs
