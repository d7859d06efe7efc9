"""Pages: the built admin console, served under /console as it would be from a bucket behind a CDN."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

PREFIX = "/console"

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
"""Said here, because a machine's own table of types may be missing or wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    status: int
    headers: dict[str, str]
    body: bytes


class Pages:
    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @property
    def built(self) -> bool:
        return (self._folder / "index.html").is_file()

    def wants(self, path: str) -> bool:
        return self.built and (path == PREFIX or path.startswith(f"{PREFIX}/"))

    def get(self, path: str) -> Page:
        """A file; for any other path the start page, whose own router knows what it means."""
        if path == PREFIX:
            return Page(status=308, headers={"location": f"{PREFIX}/"}, body=b"")
        wanted = (self._folder / path.removeprefix(f"{PREFIX}/")).resolve()
        inside = wanted.is_relative_to(self._folder) and wanted.is_file()
        if not inside and "." in path.rsplit("/", 1)[-1]:
            return Page(
                status=404, headers={"content-type": "application/json"}, body=b'{"detail":"No such file."}'
            )
        file = wanted if inside else self._folder / "index.html"
        kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        # Vite names files in assets/ after their content; everything else may change under its name.
        lasting = "public, max-age=31536000, immutable" if "assets" in file.parts else "no-cache"
        headers = {"content-type": kind, "cache-control": lasting, "x-content-type-options": "nosniff"}
        return Page(status=200, headers=headers, body=file.read_bytes())
