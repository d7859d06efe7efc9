"""Keys: settings asked for one by one, by their name alone."""

from collections.abc import Mapping
from typing import Final

from candor.config.sections import Section
from candor.errors import NotFound, Refused

_WITH_ROUTES: Final = ("llm", "archi", "limits")
"""Sections that are also read and changed as a whole: what is in them is told there."""


def section_of(key: str, sections: Mapping[str, Section]) -> tuple[str, str]:
    """
    The section and the name of a setting. Hyphens and capital letters count as what they stand for.

    `Refused` for a secret, `NotFound` for what is no setting; both say what there is.
    """
    name = key.strip().replace("-", "_").casefold()
    for section in sections.values():
        if section.by_key and any(setting.name == name for setting in section.settings):
            if name in section.secrets:
                whole = f"/v1/admin/config/{section.name}"
                raise Refused(f"{name} is a secret: PUT {whole} sets it, and nothing shows it again.")
            return section.name, name
    listed = ", ".join(
        setting.name
        for section in sections.values()
        if section.by_key and section.name not in _WITH_ROUTES
        for setting in section.settings
        if not setting.secret
    )
    raise NotFound(
        f"There is no such setting. There are {listed}, and those of {', '.join(_WITH_ROUTES)} "
        "in GET /v1/admin/config."
    )
