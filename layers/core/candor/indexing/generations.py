"""
Generations: which index answers now, which one is being built, and which are to be removed.

An index belongs to one embedder and one analyser. Settings say which ones are wanted; this record says
which ones there are, so that a deploy that names another embedder does not point at an index that is empty.
One record holds all of it: a switch is one write, seen whole or not at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol, Self

from candor.errors import Conflict

NO_EMBEDDER: Final = "none"
"""Search by words alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """Both halves of one index, by name, and what they were made with. A name is never used twice."""

    generation_id: str
    words: str
    """The name of the half that is searched by words. Two generations of one analyser may share it."""
    vectors: str
    """The name of the half that is searched by meaning."""
    analyser: str
    embedder: str
    """As it is asked for: `embedded`, one of its parts, the name of a model, or `none`."""
    embedder_name: str
    """As it calls itself, its version included: one of another name cannot search this index."""
    dimensions: int
    settings: str = ""
    """What the settings asked for when this one was chosen, whether it was that or not."""
    job_id: str = ""
    """The job that builds it, or built it; blank for the first."""

    @property
    def wish(self) -> str:
        """What settings have to ask for to mean this one."""
        return f"{self.embedder}-{self.dimensions}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Retired:
    """A generation nobody asks any more. What goes on by an older record does so until `at` and a while."""

    generation: Generation
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What there is. Its methods are the changes it may undergo; each one done twice is done once."""

    live: Generation | None = None
    building: Generation | None = None
    retired: tuple[Retired, ...] = ()
    serial: int = 0
    """The number of the last generation that was begun."""

    def settled(self, generation: Generation) -> Self:
        """With this one live, unless one is."""
        if self.live is not None:
            return self
        return replace(self, live=generation, serial=max(self.serial, int(generation.generation_id)))

    def started(self, generation: Generation) -> Self:
        if self.building is not None:
            raise Conflict("An index is being built already.")
        if int(generation.generation_id) != self.serial + 1:
            raise Conflict("Another index has been begun meanwhile.")
        return replace(self, building=generation, serial=self.serial + 1)

    def switched(self, generation_id: str, at: float) -> Self:
        if self.live is not None and self.live.generation_id == generation_id:
            return self
        if self.building is None or self.building.generation_id != generation_id:
            raise Conflict("That index is not being built any more.")
        old = () if self.live is None else (Retired(generation=self.live, at=at),)
        return replace(self, live=self.building, building=None, retired=(*self.retired, *old))

    def abandoned(self, generation_id: str, at: float) -> Self:
        if self.building is None or self.building.generation_id != generation_id:
            return self
        gone = Retired(generation=self.building, at=at)
        return replace(self, building=None, retired=(*self.retired, gone))

    def dropped(self, generation_id: str) -> Self:
        left = tuple(one for one in self.retired if one.generation.generation_id != generation_id)
        return replace(self, retired=left)

    def names_beside(self, generation_id: str) -> Collection[str]:
        """The names that generations other than this one still need."""
        kept = [self.live, self.building, *(one.generation for one in self.retired)]
        others = [one for one in kept if one is not None and one.generation_id != generation_id]
        return {name for one in others for name in (f"words/{one.words}", f"vectors/{one.vectors}")}

    def as_fields(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """What `as_fields` told; fields that a later version added are passed over."""
        live, building = fields.get("live"), fields.get("building")
        return cls(
            live=_generation(live) if live else None,
            building=_generation(building) if building else None,
            retired=tuple(
                Retired(generation=_generation(one["generation"]), at=float(one["at"]))
                for one in fields.get("retired", ())
            ),
            serial=int(fields.get("serial", 0)),
        )


def complaints(live: Generation, wanted: Generation) -> Mapping[str, str]:
    """
    What the settings want otherwise than the live index is, by `words` and `vectors`, as sentences.

    An index that was chosen against the settings as they still are is no cause for complaint.
    """
    said: dict[str, str] = {}
    if wanted.wish not in (live.wish, live.settings):
        said["vectors"] = (
            f"The settings name another embedder ({wanted.embedder}, {wanted.dimensions} dimensions) "
            f"than the live index ({live.embedder}, {live.dimensions}): POST /v1/admin/reindex."
        )
    elif wanted.wish == live.wish and wanted.embedder_name != live.embedder_name:
        said["vectors"] = (
            f"The live index was made by {live.embedder_name}, and this version brings "
            f"{wanted.embedder_name}: POST /v1/admin/reindex."
        )
    if wanted.analyser != live.analyser:
        said["words"] = (
            f"The live index was made by version {live.analyser} of our analysis of words, and this is "
            f"version {wanted.analyser}: POST /v1/admin/reindex."
        )
    return said


class Generations(Protocol):
    """Where the record is kept. Every method raises `Unavailable` when it cannot be reached."""

    def read(self) -> Record:
        """As it is now, read consistently; an empty one while nothing has been recorded."""
        ...

    def settle(self, generation: Generation) -> Record:
        """This one is live, unless one is recorded already. Returns what is recorded then."""
        ...

    def start(self, generation: Generation) -> Record:
        """This one is being built from now on. `Conflict` when another one is."""
        ...

    def switch(self, generation_id: str, *, at: float) -> Record:
        """The one being built is live from now on, and the old one retired. `Conflict` if it is neither."""
        ...

    def abandon(self, generation_id: str, *, at: float) -> Record:
        """The one being built is not wanted any more. One that is not being built stays as it is."""
        ...

    def dropped(self, generation_id: str) -> Record:
        """Nothing is left of a retired one."""
        ...


def _generation(fields: Mapping[str, Any]) -> Generation:
    known = {name: fields[name] for name in Generation.__dataclass_fields__ if name in fields}
    return Generation(**known)
