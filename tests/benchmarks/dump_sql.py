"""Dump SQL: how a value is written between quotes, and a text in an encoding, as each tool does it."""

from collections.abc import Callable

Cell = str | int | None


def quoting(style: str) -> Callable[[Cell], str]:
    def plain(cell: Cell) -> str:
        if cell is None:
            return "NULL"
        if isinstance(cell, int):
            return str(cell)
        text = cell.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n").replace('"', '\\"')
        return f"'{text.replace(chr(39), chr(92) + chr(39))}'"

    def doubled(cell: Cell) -> str:
        if not isinstance(cell, str):
            return plain(cell)
        text = cell.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
        return f"'{text.replace(chr(39), chr(39) * 2)}'"

    def raw(cell: Cell) -> str:
        return f"'{cell.replace(chr(39), chr(39) * 2)}'" if isinstance(cell, str) else plain(cell)

    def hexed(cell: Cell) -> str:
        if not isinstance(cell, str) or not cell:
            return plain(cell)
        return f"0x{cell.encode().hex().upper()}" if len(cell) % 2 else f"_binary {plain(cell)}"

    return {"phpmyadmin": doubled, "no_backslash": raw, "hex": hexed}.get(style, plain)


def encoder(encoding: str) -> Callable[[str], bytes]:
    if encoding in ("latin1", "latin1_unsaid"):
        return lambda text: text.encode("cp1252")
    if encoding == "garbled":
        # What a UTF-8 connection makes of UTF-8 that once was written through a latin1 one.
        page = {one: bytes([one]).decode("cp1252", "replace") for one in range(256)}
        page |= {one: chr(one) for one in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
        letters = [page[one] for one in range(256)]
        return lambda text: "".join(map(letters.__getitem__, text.encode())).encode()
    if encoding == "utf16":
        first = [b"\xff\xfe"]
        return lambda text: (first.pop() if first else b"") + text.encode("utf-16-le")
    if encoding == "bom":
        mark = [b"\xef\xbb\xbf"]
        return lambda text: (mark.pop() if mark else b"") + text.encode()
    return lambda text: text.encode()
