import pytest

from candor.language import detect, refers_back, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I reset my password?", "en"),
        ("Where is my order", "en"),
        ("email not working", "en"),
        ("Как сменить пароль?", "ru"),
        ("не работает почта", "ru"),
        ("Як змінити пароль?", "uk"),
        ("не працює сайт", "uk"),
        ("Wie ändere ich mein Passwort?", "de"),
        ("Passwort vergessen", "de"),
        ("¿Cómo cambio mi contraseña?", "es"),
        ("como cambiar la contrasena", "es"),
        ("Làm sao để đổi mật khẩu?", "vi"),
        ("lam sao de doi mat khau", "vi"),
        ("Comment changer mon mot de passe ?", "fr"),
        ("mot de passe oublié", "fr"),
        ("Jak zmienić hasło?", "pl"),
        ("nie działa poczta", "pl"),
        ("パスワードを変更するには", "ja"),
        ("如何重置密码", "zh"),
        ("비밀번호", "ko"),
    ],
)
def test_a_short_question_tells_its_language(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "   ", "ORA-00942", "502", "nginx plesk", "🙂", "https://"])
def test_a_text_that_tells_nothing_is_undetermined(text: str) -> None:
    assert detect(text) == "und"


def test_an_english_name_does_not_make_a_russian_question_english() -> None:
    assert detect("Как настроить WordPress и Elementor на хостинге?") == "ru"


def test_the_script_is_that_of_most_letters() -> None:
    assert script_of("Почта не работает в Outlook") == "cyrillic"
    assert script_of("reset password") == "latin"
    assert script_of("42 % …") == "und"


@pytest.mark.parametrize("text", ["Does it cost more?", "А сколько это стоит?", "And for those?"])
def test_a_question_that_points_back_is_noticed(text: str) -> None:
    assert refers_back(text)


def test_a_question_that_stands_alone_points_nowhere() -> None:
    assert not refers_back("How do I cancel my yearly plan?")
