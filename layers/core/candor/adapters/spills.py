"""Spills: work files of an import in a dictionary, or in a folder."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_PIECE: Final = 1 << 20


class MemorySpill:
    """A `Spill` in a dictionary: small dumps, and tests."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}

    def append(self, name: str, data: bytes) -> None:
        self.blocks[name] = bytes(data)

    def read(self, name: str) -> Iterator[bytes]:
        if name in self.blocks:
            yield self.blocks[name]

    def names(self) -> Iterable[str]:
        return sorted(self.blocks)

    def clear(self) -> None:
        self.blocks.clear()


class FolderSpill:
    """A `Spill` in a folder of its own. A block is there whole or not at all, also after the power fails."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder
        self._durable = durable

    def append(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        with unfinished.open("wb") as file:
            file.write(data)
            if self._durable:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)

    def read(self, name: str) -> Iterator[bytes]:
        try:
            file = (self._folder / name).open("rb")
        except FileNotFoundError:
            return
        with file:
            while piece := file.read(_PIECE):
                yield piece

    def names(self) -> Iterable[str]:
        if not self._folder.is_dir():
            return []
        return sorted(
            path.relative_to(self._folder).as_posix()
            for path in self._folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )

    def clear(self) -> None:
        if not self._folder.is_dir():
            return
        # Deepest first: folders go when they are empty. What is not ours in it stays.
        for path in sorted(self._folder.rglob("*"), reverse=True):
            if path.is_file():
                path.unlink(missing_ok=True)
            else:
                path.rmdir()
