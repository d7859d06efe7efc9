"""Settings of drafts in WHMCS: whether new tickets get one as a private note, and of which departments."""

from typing import Final

from candor.config.sections import Kind, Section, Setting

_SHORTEST: Final = 16


def _secret(text: str) -> str:
    if len(text) < _SHORTEST or not (text.isascii() and text.isprintable()):
        raise ValueError(f"must have {_SHORTEST} printable ASCII characters or more, as in the hook file")
    return text


WHMCS_NOTES: Final = Section(
    name="whmcs_notes",
    settings=(
        Setting(
            name="enabled",
            kind=Kind.FLAG,
            default=False,
            about="Whether tickets that the hook file sends get a draft as a private note.",
        ),
        Setting(
            name="departments",
            kind=Kind.WORDS,
            default=[],
            longest=200,
            about="Names or numbers of the departments whose tickets get one; none: all.",
        ),
        Setting(
            name="secret",
            secret=True,
            longest=200,
            check=_secret,
            about="What the hook file signs its messages with: the same as at its top.",
        ),
    ),
)
