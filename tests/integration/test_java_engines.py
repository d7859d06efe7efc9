"""Engines without Docker: they start, stop, keep their data, and say what is missing."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra import java
from infra.opensearch.server import WITH_KNN, node, reason_missing
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]

needs_opensearch = pytest.mark.skipif(bool(reason_missing()), reason=f"no OpenSearch: {reason_missing()}")


def test_what_is_missing_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert java.find_java(at_least=90, below=99) is None
    assert "no JDK of version 90 to 98" in str(java.reason_missing(at_least=90, below=99, built=True))

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(_some_jdk(tmp_path / "jdk", "21.0.2")))

    assert "Maven" in str(java.reason_missing(at_least=21, below=22, built=False))
    assert java.reason_missing(at_least=21, below=22, built=True) is None


def test_a_jdk_beside_the_one_on_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on_path = _some_jdk(tmp_path / "jdk-17", "17.0.9")
    beside = _some_jdk(tmp_path / "jdk-25", "25")
    (tmp_path / "jre-25" / "bin").mkdir(parents=True)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(on_path / "bin"))

    assert java.find_java(at_least=17, below=24) == on_path
    assert java.find_java(at_least=21, below=99) == beside


@pytest.mark.skipif(
    not java.find_java(at_least=17, below=99), reason="there is no JDK to start anything with"
)
def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        server = java.Server(["java", "-version"], port=port, probe="/", log=tmp_path / "log", seconds=5)

        with pytest.raises(java.JavaError, match=f"Port {port} .* is taken"), server:
            pass


@pytest.mark.skipif(
    not java.find_java(at_least=17, below=99), reason="there is no JDK to start anything with"
)
def test_a_server_that_ends_at_once_shows_its_last_words(tmp_path: Path) -> None:
    port = free_port()
    server = java.Server(["java", "NoSuchMain"], port=port, probe="/", log=tmp_path / "log", seconds=60)

    with pytest.raises(java.JavaError, match="NoSuchMain"), server:
        pass


@pytest.mark.slow
@needs_opensearch
def test_a_node_keeps_its_data_between_two_runs(tmp_path: Path) -> None:
    port = free_port()
    with node(tmp_path, port=port, memory="512m") as server:
        _ask(server.url, "PUT", "/kept")
        _ask(server.url, "PUT", "/kept/_doc/1", {"a": 1})

    with node(tmp_path, port=port, memory="512m") as server:
        until(lambda: _kept(server.url) == {"a": 1})
        assert _ask(server.url, "GET", "/")["version"]["number"] == WITH_KNN.version


@pytest.mark.slow
@needs_opensearch
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_node_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "infra.opensearch", "--port", str(port), "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert f"127.0.0.1:{port}" in starter.stdout.readline()

        starter.send_signal(signal.SIGKILL)

    until(lambda: not _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _kept(url: str) -> object:
    """None until it has opened its indexes again: it answers before that."""
    try:
        return _ask(url, "GET", "/kept/_doc/1")["_source"]
    except urllib.error.HTTPError as error:
        with error:
            return None


def _ask(url: str, method: str, path: str, body: dict[str, int] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return dict(json.load(answer))


def _some_jdk(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    for name in ("java", "javac"):
        tool = home / "bin" / name
        tool.write_text("#!/bin/sh\n")
        tool.chmod(0o755)
    (home / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return home
