"""Windows: the piece of a dump's text that is in memory, and what is noticed in it."""

from candor.whmcs.dumps.values import Problem


class Window:
    """`at` is always where reading can begin again; what lies before it is dropped with the next bytes."""

    def __init__(self, file: str) -> None:
        self.window = b""
        self.at = 0
        self.base = 0
        """The window's own offset in the text."""
        self.last = False
        """Whether nothing comes after the window."""
        self.cleaning = False
        """Whether it holds bytes that separate what is spilled."""
        self.problems: list[Problem] = []
        self._file = file

    def feed(self, data: bytes, *, last: bool) -> None:
        """More bytes behind what is left of the window."""
        rest = self.window[self.at :]
        self.base += self.at
        # A comment on the last line has an end, too.
        self.window = rest + data + (b"\n" if last and not self.last else b"")
        self.at = 0
        self.last = last
        self.cleaning = any(one in self.window for one in (b"\x1c", b"\x1d", b"\x1e", b"\x1f"))

    @property
    def left(self) -> int:
        return len(self.window) - self.at

    def note(self, sentence: str, at: int | None = None) -> None:
        """A problem, at a place in the window; None: where reading stands."""
        where = self.base + (self.at if at is None else at)
        self.problems.append(Problem(file=self._file, offset=where, sentence=sentence))
