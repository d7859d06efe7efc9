"""Settings of the language model: which one writes, where it is, and what opens it."""

from typing import Final

from candor.config.sections import Kind, Section, Setting


def _root(text: str) -> str:
    bare = text.rstrip("/")
    if "?" in bare or "#" in bare or bare.endswith("/chat/completions"):
        raise ValueError('must be the root of the API, such as "https://models.example.com/v1"')
    return bare


LLM: Final = Section(
    name="llm",
    by_key=True,
    settings=(
        Setting(name="llm_model", longest=200, about="The model that writes answers."),
        Setting(
            name="llm_fallback_model",
            longest=200,
            blank=True,
            about="Asked when the first one fails or writes what cannot be read. Blank: none.",
        ),
        Setting(
            name="llm_base_url",
            address=True,
            check=_root,
            about="Any server that speaks OpenAI's chat completions. Blank: the environment's, or OpenAI.",
        ),
        Setting(
            name="llm_api_key",
            secret=True,
            longest=500,
            sent_to="llm_base_url",
            about="Its key; shown by its last four characters. Without one, answers are extractive.",
        ),
        Setting(
            name="llm_max_tokens",
            kind=Kind.WHOLE,
            default=2_048,
            least=16,
            greatest=200_000,
            about="What one reply may be long, its reasoning included.",
        ),
    ),
)
