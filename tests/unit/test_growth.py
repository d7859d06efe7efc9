"""Growth: the measure that tests of cost rely on tells a line from a square."""

import pytest

from tests import growth
from tests.growth import assert_linear


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found to grow too fast is run to the end, three times: of a tenth of the size here."""
    monkeypatch.setattr(growth, "ENOUGH_SECONDS", 0.0005)


def _line(text: str) -> None:
    for letter in text:
        letter.upper()


def _square(text: str) -> None:
    for start in range(len(text)):
        text[start:].count("a")


def test_what_grows_with_its_input_passes_however_little_or_much_it_takes() -> None:
    assert_linear(_line, lambda size: "a" * size, 10)
    assert_linear(_line, lambda size: "a" * size, 100_000)


def test_what_has_a_limit_of_its_own_passes() -> None:
    assert_linear(lambda text: _square(text[:300]), lambda size: "a" * size, 100)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("size", [10, 500])
def test_what_grows_with_the_square_of_its_input_fails(size: int) -> None:
    with pytest.raises(AssertionError, match="8 times as much of it"):
        assert_linear(_square, lambda size: "a" * size, size)


@pytest.mark.usefixtures("_quick")
def test_what_is_remembered_does_not_hide_the_cost() -> None:
    remembered: dict[str, None] = {}

    def square(text: str) -> None:
        if text not in remembered:
            remembered[text] = _square(text)

    with pytest.raises(AssertionError):
        assert_linear(square, lambda size: "a" * size, 10)
