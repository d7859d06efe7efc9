"""Secrets are masked, ordinary words are not."""

import random

import pytest

from candor.documents import Draft
from candor.redaction import mask, mask_cards, mask_cards_in, masked, without_cards
from candor.redaction.cards import issued
from tests.benchmarks.redaction_corpus import luhn_digit
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("My card is 4111 1111 1111 1111, thanks", "My card is [card], thanks"),
        ("card 5500-0000-0000-0004 declined", "card [card] declined"),
        ("4111 1111 1111 1111 12/27 123", "[card] 12/27 123"),
        ("4111111111111111,5500000000000004", "[card],[card]"),
        ("pan=4111111111111111;next", "pan=[card];next"),
        ("Visa4111111111111111", "Visa[card]"),
        ("4111&nbsp;1111&nbsp;1111&nbsp;1111", "[card]"),
        ("4111\u200b1111\u200b1111\u200b1111", "[card]"),
        ("\uff14111 1111 1111 1111", "[card]"),
        ("4111 1111\r\n1111 1111", "[card]"),
        ("4111%201111%201111%201111", "[card]"),
        ("<td>4111</td><td>1111</td><td>1111</td><td>1111</td>", "<td>[card]</td>"),
        ("%B4111111111111111^DOE/J^2512101?", "%B[card]^DOE/J^2512101?"),
        ("2026 4111 1111 1111 1111 05/28", "2026 [card] 05/28"),
        ("4111 1111 1111 1111 5500 0000 0000 0004", "[card] [card]"),
        ("Visa 41111111 11111111", "Visa [card]"),
        ("karta 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "karta [card]"),
        ("card, CVV: 123 and the CVC is 4321", "card, CVV: [card code] and the CVC is [card code]"),
        ("my password is Hunter2!x ok?", "my password is [password] ok?"),
        ("Password: s3cr3t", "Password: [password]"),
        ("**Password:** s3cr3t", "**Password:** [password]"),
        ("пароль: Кошка77", "пароль: [password]"),
        ("Mein Passwort ist Sommer2024", "Mein Passwort ist [password]"),
        ("password=$Tiger33!", "password=[password]"),
        ("login/pass: admin / S3cret!", "login/pass: admin / [password]"),
        ('{"password": "a b,c", "user": "y"}', '{"password": "[password]", "user": "y"}'),
        ("key sk-proj-abcdefghijklmnop1234", "key [key]"),
        ("AKIAIOSFODNN7EXAMPLE is the key", "[key] is the key"),
        ("token ghp_abcdefghijklmnopqrstuvwxyz0123456789", "token [key]"),
        ("Authorization: Bearer abcdefghijklmnop1234567", "Authorization: Bearer [key]"),
        ("mysql://root:topsecret@db.example/x", "mysql://root:[password]@db.example/x"),
        ("viewticket.php?tid=AB-1&c=aB3dEf9h&x=1", "viewticket.php?tid=AB-1&c=[key]&x=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- ok", "[key] ok"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[key]"),
        ("mysql -u root -p'Zeb!ra77' shop", "mysql -u root -p'[password]' shop"),
        ("mysqldump -uroot -pZebra77 shop > x.sql", "mysqldump -uroot -p[password] shop > x.sql"),
        ('sshpass -p "Zeb!ra77" ssh root@web', 'sshpass -p "[password]" ssh root@web'),
        ("docker login -u ann -p Zeb!ra77", "docker login -u ann -p [password]"),
        ("redis-cli -h web -a Zebra77 ping", "redis-cli -h web -a [password] ping"),
        ("curl -u ann:Zeb!ra77 https://a.example", "curl -u ann:[password] https://a.example"),
        ("echo 'root:Zeb!ra77' | sudo chpasswd", "echo 'root:[password]' | sudo chpasswd"),
        (
            "We reset the password of the panel to Zeb!ra77x.",
            "We reset the password of the panel to [password].",
        ),
        ("password changed from Old!zeb77 to New!zeb77", "password changed from [password] to [password]"),
        ("Password\nZeb!ra77\nPort 22", "Password\n[password]\nPort 22"),
        ("It is root / Zeb!ra77x there", "It is root / [password] there"),
        ("Лозинка је Зебра77", "Лозинка је [password]"),
        ("lozinka: zebra77", "lozinka: [password]"),
    ],
)
def test_a_secret_is_masked_and_the_words_around_it_stay(text: str, clean: str) -> None:
    assert masked(text) == clean
    assert masked(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "It says my password is incorrect",
        "The password is expired, what now?",
        "order 4111111111111112 is missing",
        "ticket 1234567890123456789012",
        "score 0.5105105105105100",
        "phone +49 151 2345 6789",
        "ports 5432, 6379, 8080, 9201",
        "years 4111 1111 1111 1111 2019 2020 2021",
        "id 41111111-1111-4111-a111-111111111111",
        "version 1.2.3.4 on 192.168.100.200",
        "${HOME} UNION SELECT name FROM users",
        "DB_PASSWORD=${DB_PASSWORD}",
        "Password: ********",
        "Password: <your password>",
        "I forgot my password",
        "Write to dana@brightol.net or +49 30 1234567",
        "mysql -u root -p shop < shop.sql",
        "mysql --port 3307 -h web01 -u root -p",
        "mysqldump -u root -p$PASS shop",
        "mysql -u root -pYOUR_PASSWORD",
        "mkdir -p /var/lib/mysql2 && chown -R mysql",
        "docker run -p 8080:80 web2",
        "Reset the password of Office365 to what web01.a.example shows",
        "change your password from Windows11 or from web01-prod",
        "the password policy changed from level3 to level4",
        "https://a.example/admin/Setup2Fa!x and /home/user/a1!b2@c3",
        "Password\n\nEnter it twice",
        "user/group1234",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("dana@brightol.net or dana at brightol dot net", "[e-mail] or [e-mail]"),
        ("call +49 30 1234567 or (555) 234-5678", "call [phone] or [phone]"),
        ("from 45.33.32.156 and 2a01:4f8:c17::1", "from [IP address] and [IP address]"),
        ("IBAN DE89 3704 0044 0532 0130 00 BIC COBA", "IBAN [bank account] BIC COBA"),
        ("ул. Ленина, д. 5, кв. 12, Москва", "[address]"),
    ],
)
def test_what_leads_to_a_person_is_masked_in_what_becomes_knowledge(text: str, clean: str) -> None:
    assert mask(text) == clean
    assert mask(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "user@example.com",
        "192.0.2.7, 10.0.0.1 and 8.8.8.8",
        "cPanel 11.110.0.15",
        "aa:bb:cc:dd:ee:ff",
        "at 12:30:45",
    ],
)
def test_an_example_leads_to_nobody(text: str) -> None:
    assert mask(text) == text


def test_the_companys_own_addresses_stay_when_it_names_them() -> None:
    text = "help@acme-hosting.com, Sales@Acme-Hosting.com or +1 (800) 555-0123"

    assert mask(text, keep=["@acme-hosting.com", "+1 800 555 0123"]) == text
    assert mask(text) == "[e-mail], [e-mail] or [phone]"


def test_cards_of_every_network_are_masked_in_every_grouping() -> None:
    rng = random.Random(5)
    brands = [
        ("4", 16),
        ("4", 13),
        ("4", 19),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("2720", 16),
        ("34", 15),
        ("37", 15),
    ]
    brands += [
        ("6011", 16),
        ("65", 16),
        ("3528", 16),
        ("36", 14),
        ("305", 14),
        ("62", 16),
        ("2200", 16),
        ("9792", 16),
    ]
    for prefix, size in brands:
        for joint in ("", " ", "-", ".", "\u00a0", "\n", " - ", "\u2013", "/"):
            body = prefix + "".join(rng.choices("0123456789", k=size - 1 - len(prefix)))
            number = body + luhn_digit(body)
            shape = {15: (4, 6, 5), 14: (4, 6, 4), 13: (4, 4, 5)}.get(size, (4, 4, 4, 4, 3))
            if joint and size == 13:
                continue  # Nobody issues these any more, and a grouped one is more often a telephone.
            starts = [sum(shape[:place]) for place in range(len(shape))]
            written = joint.join(
                number[at : at + length]
                for at, length in zip(starts, shape, strict=True)
                if number[at : at + length]
            )

            assert mask_cards(f"paid by card {written} today") == "paid by card [card] today", repr(written)


def test_a_number_with_one_digit_wrong_is_no_card() -> None:
    assert issued("4111111111111111")
    assert not any(issued(f"411111111111111{digit}") for digit in "023456789")


def test_cards_are_masked_in_every_text_of_a_json_value_but_its_url() -> None:
    value = {
        "url": "https://a.example/4111111111111111",
        "n": 4111111111111111,
        "m": [{"t": "x 4111111111111111"}, 7, None],
    }

    assert mask_cards_in(value) == {
        "url": "https://a.example/4111111111111111",
        "n": "[card]",
        "m": [{"t": "x [card]"}, 7, None],
    }


def test_a_draft_without_cards_is_the_same_draft() -> None:
    plain = Draft(url="https://a.example/x", title="T", text="call +49 30 1234567", metadata={"a": (1, 2.5)})
    secret = Draft(url="https://a.example/x", title="T", text="4111111111111111", raw="<p>4111111111111111")

    assert without_cards(plain).checksum == plain.checksum
    assert (without_cards(secret).text, without_cards(secret).raw) == ("[card]", "<p>[card]")


HOSTILE = {
    "digits": "1",
    "groups that are nearly a card": "4111 ",
    "pairs": "41 ",
    "single digits": "4 ",
    "announcements": "password is ",
    "names of passwords": "pass: ",
    "one word": "a",
    "dots": "a.",
    "at signs": "a@",
    "beginnings of keys": "-----BEGIN PRIVATE KEY-----",
    "beginnings of tokens": "eyJ",
    "beginnings of links": "a://a:",
    "colons": "1:",
    "blanks": " ",
    "streets": "12 Aa Aa Aa Aa ",
    "quotes": "password '",
    "telephones": "tel 0 ",
    "country codes": "+1 ",
    "commands": "mysql ",
    "options": "curl -u ",
    "changes of passwords": "password to ",
    "pairs of logins": "root/",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_masking_takes_linear_time(name: str) -> None:
    def hostile(size: int) -> str:
        return "card " * 10 + HOSTILE[name] * (size // len(HOSTILE[name]))

    assert_linear(mask, hostile, 4_000)
