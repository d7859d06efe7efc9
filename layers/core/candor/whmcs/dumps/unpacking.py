"""Unpacking: gzip, xz and bzip2 as they come, within bounds, up to where they are damaged."""

import bz2
import codecs
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from candor.errors import Invalid

CHUNK: Final = 1 << 20
_OUT: Final = 4 << 20
"""What one step may unpack: a bomb is noticed before it fills the memory."""

_STEP: Final = 1 << 16

MAX_GROWTH: Final = {"gz": 300, "xz": 1_500, "bz2": 1_500}
"""Dumps shrink 4 to 40 times, made-up ones 100 times. What grows more is no dump."""

GROWTH_FROM: Final = 64 << 20
"""Smaller texts harm nobody."""


class Damaged(Exception):
    """The file ends or breaks here; what came before is whole."""


def plain(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The stream as it is; a zip's member may end badly."""
    import zipfile

    while True:
        try:
            data = stream.read(CHUNK)
        except (EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Damaged(f"the archive is damaged ({_words(error)})") from error
        if not data:
            return
        yield data


def unpacked(stream: BinaryIO, packing: str, name: str) -> Iterator[bytes]:
    """
    What a packed stream holds, its members one after the other.

    `Damaged` where it is cut off or broken, `Invalid` where it grows without measure.
    """
    taken = given = 0
    decoder: Any = None
    data = b""
    while True:
        if not data and not (decoder is not None and decoder.holds_more):
            data = stream.read(CHUNK)
            taken += len(data)
            if not data:
                if decoder is not None:
                    raise Damaged(f"its last {packing} block is not whole")
                return
        if decoder is None:
            if packing != "bz2" and not data.strip(b"\0"):
                data = b""
                continue
            decoder = _Decoder(packing)
        try:
            out, data = decoder.step(data)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            if given and decoder.fresh:
                return  # What lies behind the last member is not ours.
            yield from decoder.salvaged()
            raise Damaged(f"the {packing} data is damaged ({_words(error)})") from error
        given += len(out)
        if given > GROWTH_FROM and given > taken * MAX_GROWTH[packing]:
            raise Invalid(
                f"{name} unpacks to more than {MAX_GROWTH[packing]} times its size: that is no dump. "
                "Unpack it yourself and drop the .sql."
            )
        if out:
            yield out
        if decoder.done:
            decoder = None


def transcoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-16 as UTF-8; half a letter becomes a question mark of its own."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "replace")
    if text := decoder.decode(b"", True):
        yield text.encode("utf-8", "replace")


class _Decoder:
    """One member of a packed stream, unpacked a few megabytes at a time."""

    def __init__(self, packing: str) -> None:
        self._gz = zlib.decompressobj(31) if packing == "gz" else None
        self._other: Any = None
        self._before: Any = None
        self._given = b""
        if packing == "xz":
            # xz -9 takes 65 MB to unpack; what wants more was not made by anybody's backup.
            self._other = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 << 20)
        elif packing == "bz2":
            self._other = bz2.BZ2Decompressor()
        self.done = False
        self.fresh = True
        self.holds_more = False
        """Whether it has more to give without being given more."""

    def step(self, data: bytes) -> tuple[bytes, bytes]:
        """What comes of it, and what is left of it for the next step."""
        if self._gz is not None:
            self._before, self._given = self._gz.copy(), data
            out = self._gz.decompress(data, _OUT)
            self.done = self._gz.eof
            rest = self._gz.unused_data if self.done else self._gz.unconsumed_tail
        else:
            # What a step cannot finish is lost when its data is damaged: small ones lose little.
            out = self._other.decompress(data[:_STEP], _OUT)
            self.done = self._other.eof
            rest = self._other.unused_data + data[_STEP:] if self.done else data[_STEP:]
        self.fresh = self.fresh and not out
        self.holds_more = not self.done and not rest and len(out) >= _OUT
        return out, rest

    def salvaged(self) -> Iterator[bytes]:
        """What a step that failed would have given before it came to the damage."""
        if self._before is None:
            return
        for at in range(0, len(self._given), 64):
            try:
                out = self._before.decompress(self._given[at : at + 64])
            except zlib.error:
                return
            if out:
                yield out


def _words(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
