"""Java: finds a JDK, builds a small Maven project once, runs a server of it. For engines without Docker."""

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

BUILD_SECONDS = 600
"""The first build downloads about 100 MB."""


class JavaError(Exception):
    """Something of Java's did not work; the text is a sentence for people, with the log's last lines."""


def find_java(*, at_least: int, below: int) -> Path | None:
    """The home of a JDK of that age: `JAVA_HOME`, the one on the PATH, or one installed beside it."""
    return next((home for home in _homes() if at_least <= _major(home) < below), None)


def reason_missing(*, at_least: int, below: int, built: bool) -> str | None:
    """Why a project for this Java cannot run here, as a sentence; None when it can."""
    if find_java(at_least=at_least, below=below) is None:
        return (
            f"There is no JDK of version {at_least} to {below - 1} (JAVA_HOME, the PATH and its neighbours)."
        )
    if not built and shutil.which("mvn") is None:
        return "Maven (mvn) is not installed, and the engine has not been built before."
    return None


def is_built(project: Path, target: Path) -> bool:
    """Whether `target` holds what the project's files say now."""
    stamp = target / "built"
    return stamp.exists() and stamp.read_text() == _fingerprint(project)


def build(project: Path, target: Path, *, java: Path, options: Mapping[str, str]) -> None:
    """Run Maven, unless that has been done; one process builds while others wait."""
    with _locked(target.parent / f"{target.name}.lock"):
        if is_built(project, target):
            return
        shutil.rmtree(target, ignore_errors=True)
        properties = [f"-D{name}={value}" for name, value in options.items()]
        done = subprocess.run(
            ["mvn", "-q", "-B", *properties, "package"],
            cwd=project,
            env={**os.environ, "JAVA_HOME": str(java)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        if done.returncode:
            raise JavaError(f"Maven could not build {project.name}:\n{_tail(done.stdout)}")
        (target / "built").write_text(_fingerprint(project))


class Server:
    """
    A Java process that serves HTTP on a loopback port; a context manager.

    Entering waits until `probe` answers; leaving stops it with a signal and waits for its end. Its
    standard input stays open as long as we live: a server that reads it can see us die.
    """

    def __init__(self, command: Sequence[str], *, port: int, probe: str, log: Path, seconds: float) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = list(command)
        self._port = port
        self._probe = f"{self.url}{probe}"
        self._log = log
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError as error:
                raise JavaError(f"Port {self._port} of 127.0.0.1 is taken.") from error
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the running process: to stop it for a while, say."""
        assert self._process is not None, "it is not running"
        return self._process.pid

    def wait(self) -> int:
        """Until the server ends by itself; its exit code."""
        return self._process.wait() if self._process else 0

    def stop(self, seconds: float = 20) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self) -> None:
        process = self._process
        deadline = time.monotonic() + self._seconds
        while process and time.monotonic() < deadline:
            if process.poll() is not None:
                raise JavaError(f"The server ended at once:\n{_tail(self._log.read_text(errors='replace'))}")
            if _answers(self._probe):
                return
            time.sleep(0.1)
        last = _tail(self._log.read_text(errors="replace"))
        raise JavaError(f"The server did not answer within {self._seconds:.0f} s:\n{last}")


def _homes() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if found := shutil.which("java"):
        home_on_path = Path(found).resolve().parent.parent
        yield home_on_path
        yield from sorted(home_on_path.parent.iterdir())


def _major(home: Path) -> int:
    """17 for a JDK 17; 0 for a folder that is none, or that cannot compile."""
    release = home / "release"
    if not (home / "bin" / "javac").exists() or not release.exists():
        return 0
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text(errors="replace"))
    return int(found[1]) if found else 0


def _fingerprint(project: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([project / "pom.xml", *project.glob("src/**/*.java")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _answers(url: str) -> bool:
    """Whether an HTTP server says anything there but that it is not ready."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - always http on loopback.
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code < 500
    except OSError:
        return False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        _lock(file)
        yield


def _lock(file: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two builds at once are possible there, and rare.
        return
    fcntl.flock(file, fcntl.LOCK_EX)
