"""Config store: every version of the configuration, each made from the one before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One setting that was changed: `key` is `section.name`, secrets are masked."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """The configuration as one change left it. Numbers count from 1 without gaps."""

    version: int
    at: datetime
    by: str
    edits: tuple[Edit, ...]
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """By section: what is set there. A secret is `{"sealed": …, "mask": …}`. Defaults are not kept."""


class ConfigStore(Protocol):
    """Where versions are kept, for ever. Each method raises `Unavailable`."""

    def latest(self) -> Version | None:
        """Read consistently; None before the first change."""
        ...

    def version(self, number: int) -> Version:
        """`NotFound` for one that never was."""
        ...

    def add(self, version: Version) -> None:
        """`Conflict` if there is one with its number already: somebody else was faster."""
        ...

    def list(self, *, limit: int, before: int | None = None) -> Sequence[Version]:
        """The newest first, those below `before`, without their values."""
        ...
