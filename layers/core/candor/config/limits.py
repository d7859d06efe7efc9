"""Settings of limits: how often somebody may ask, and what a day may cost."""

from typing import Final

from candor.config.sections import Kind, Section, Setting

_MANY: Final = 1_000_000_000


def _whole(name: str, default: int, about: str, *, least: int = 0, greatest: int = _MANY) -> Setting:
    return Setting(name=name, kind=Kind.WHOLE, default=default, least=least, greatest=greatest, about=about)


LIMITS: Final = Section(
    name="limits",
    by_key=True,
    settings=(
        _whole("rate_limit_requests", 60, "Requests in a window, for each caller. 0: no limit."),
        _whole("rate_limit_window_seconds", 60, "How long a window is.", least=1, greatest=86_400),
        _whole(
            "rate_limit_customer_requests",
            0,
            "The same for each customer behind a key. 0: as many as the key.",
        ),
        _whole(
            "llm_tokens_per_day",
            0,
            "Tokens of a UTC day. When they are spent, answers are extractive. 0: no limit.",
            greatest=10**15,
        ),
        Setting(
            name="llm_economy_share",
            kind=Kind.NUMBER,
            default=0.8,
            greatest=1,
            about="The share of the day's tokens from which llm_model_economy writes.",
        ),
    ),
)
