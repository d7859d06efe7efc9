"""Dump files: a WHMCS dump that lies on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from candor.errors import NotFound


class FolderDump:
    """A `Dump` of files, in the order given."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = {str(path): path for path in paths}

    @property
    def files(self) -> Sequence[str]:
        return tuple(self._paths)

    def size(self, file: str) -> int:
        try:
            return self._paths[file].stat().st_size
        except FileNotFoundError:
            raise NotFound(f"There is no file {file}.") from None

    def open(self, file: str, start: int = 0) -> BinaryIO:
        try:
            stream = self._paths[file].open("rb")
        except FileNotFoundError:
            raise NotFound(f"There is no file {file}.") from None
        stream.seek(start)
        return cast("BinaryIO", stream)
