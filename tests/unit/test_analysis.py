import pytest

from candor.analysis import informative_words, passage_terms, query_groups, query_terms


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", "configure configured configuring configures"),
        ("en", "payment payments"),
        ("en", "cancel cancelled cancelling"),
        ("ru", "пароль пароля паролем пароли паролей паролями"),
        ("ru", "ошибка ошибки ошибку ошибок ошибками"),
        ("ru", "подключение подключения подключить подключиться"),
        ("uk", "пароль пароля паролем паролі паролів"),
        ("uk", "налаштування налаштуванням налаштувань налаштувати"),
        ("uk", "помилка помилки помилку помилок"),
        ("de", "Rechnung Rechnungen"),
        ("de", "Domain Domains"),
        ("es", "contraseña contraseñas contrasena"),
        ("es", "cambiar cambio cambiando"),
        ("fr", "facture factures"),
        ("pl", "konto konta kontem kont"),
    ],
)
def test_the_forms_of_a_word_meet_in_one_term(language: str, forms: str) -> None:
    assert len(set(passage_terms(forms, language))) == 1


@pytest.mark.parametrize(
    ("question", "language", "text"),
    [
        ("How do I reset passwords?", "en", "Resetting a password takes a minute."),
        ("Как сменить пароль?", "ru", "Смена пароля: смените его в настройках."),
        ("Як змінити пароль?", "uk", "Щоб змінити паролі, відкрийте налаштування."),
        ("Wie kündige ich die Domains?", "de", "Sie können jede Domain kündigen."),
        ("¿Cómo cambio mi contraseña?", "es", "Para cambiar contraseñas, abra su cuenta."),
        ("Làm sao để đổi mật khẩu?", "vi", "Để đổi mật khẩu, hãy mở tài khoản."),
        ("lam sao de doi mat khau", "vi", "Để đổi mật khẩu, hãy mở tài khoản."),
        ("如何重置密码", "zh", "在设置中重置您的密码。"),
    ],
)
def test_every_word_that_matters_is_met_in_a_passage_of_the_same_language(
    question: str, language: str, text: str
) -> None:
    held = set(passage_terms(text, language))

    met = [any(term in held for term in group) for group in query_groups(question)]

    assert met
    assert sum(met) >= len(met) / 2


@pytest.mark.parametrize("identifier", ["v-change-sys-port", "ns1.example.com", "ORA-00942", "php.ini"])
def test_an_identifier_is_found_whole_and_by_its_parts(identifier: str) -> None:
    held = passage_terms(f"Run {identifier} once.", "en")

    assert identifier.lower() in held
    assert query_terms(identifier)[0] == identifier.lower()
    parts = query_groups(identifier.replace("-", " ").replace(".", " "))
    assert all(set(group) & set(held) for group in parts)


def test_a_word_alone_too_short_to_tell_its_language_is_met_in_any_of_its_script() -> None:
    (group,) = query_groups("налаштування")

    assert set(passage_terms("налаштування", "uk")) <= set(group)
    assert set(passage_terms("налаштування", "ru")) <= set(group)


def test_stop_words_are_not_asked_for_but_a_question_of_nothing_else_keeps_them() -> None:
    assert query_terms("How do I do that with the DNS?") == ["dns"]
    assert query_terms("What is it?") == ["what", "is", "it"]


def test_the_terms_of_a_question_are_asked_once_each() -> None:
    assert query_terms("refund, Refunds, REFUNDED") == ["refund"]


def test_an_apostrophe_does_not_part_a_word() -> None:
    assert passage_terms("The customer’s invoice isn't paid", "en") == [
        "the", "custom", "invoic", "isnt", "paid",
    ]  # fmt: skip


def test_a_pasted_log_is_cut_and_a_long_hash_ignored() -> None:
    log = " ".join(f"line{number}" for number in range(5000))

    assert len(query_terms(log)) < 200
    assert passage_terms("a" * 5000 + " word", "en") == ["word"]


def test_informative_words_stand_as_they_were_written() -> None:
    assert informative_words("How do I renew the SSL certificates?") == ["renew", "ssl", "certificates"]
