"""The embedded engine in several processes at once, some of them killed."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import _DEAD_WORTH_A_MOVE, EmbeddedVectors
from tests.doubles.passages import passage
from tests.integration.embedded_processes import (
    DIMENSIONS,
    DOCUMENTS,
    PASSAGES,
    direction_of,
    opened,
    version_of,
)

_SCRIPT = Path(__file__).with_name("embedded_processes.py")
_ROOT = _SCRIPT.parents[2]
_KILLS = 12


@contextmanager
def process(role: str, folder: Path, seed: str = "") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(_SCRIPT), role, str(folder), seed]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "layers" / "core"), str(_ROOT)])}
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def lines_of(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def read_to_end(reader: subprocess.Popen[str]) -> list[str]:
    output, errors = reader.communicate(timeout=300)
    assert reader.returncode == 0, errors
    return output.splitlines()


def acknowledged(output: str) -> dict[int, int]:
    """The last version of each document whose put returned; a line cut by the kill does not count."""
    whole = output[: output.rfind("\n") + 1]
    return {
        int(document): int(version) for document, version in (line.split() for line in whole.splitlines())
    }


def assert_whole(folder: Path, told: dict[int, int]) -> None:
    """Everything acknowledged is found, whole, in both indexes, and no version is there in part."""
    keywords, vectors = opened(folder)
    for index in (keywords, vectors):
        stored = list(index.stored())
        assert {one.passages for one in stored} <= {PASSAGES}
        newest: dict[str, int] = {}
        for one in stored:
            newest[one.document_id] = max(one.version, newest.get(one.document_id, 0))
        # A put that was killed before it was acknowledged may be there or not.
        assert all(newest.get(f"d{document}", 0) >= version for document, version in told.items())
    for document, version in told.items():
        ids = [one.passage_id for one in version_of(document, version)]
        if any(hit.passage.version > version for hit in keywords.search(f"about{document}", limit=50)):
            continue
        found = keywords.search(f"state{document}x{version}", limit=50)
        assert {hit.passage.passage_id for hit in found} == set(ids)
        assert set(vectors.score(direction_of(document), ids)) == set(ids)


@pytest.mark.slow
def test_a_killed_writer_loses_nothing_acknowledged_and_tears_nothing(tmp_path: Path) -> None:
    chance = random.Random(11)
    told: dict[int, int] = {}

    with process("read", tmp_path) as one, process("read", tmp_path) as other:
        for kill in range(_KILLS):
            with process("write", tmp_path, f"{kill % 2}:{kill * 10_000}") as writer:
                assert writer.stdout is not None
                # After a number of turns, and then anywhere in the next.
                first = "".join(lines_of(writer, chance.randrange(1, 7)))
                time.sleep(chance.uniform(0.0, 0.1))
                writer.kill()
                rest = writer.stdout.read()
                _, errors = writer.communicate()
            assert first, errors
            told |= acknowledged(first + rest)
            assert_whole(tmp_path, told)
        (tmp_path / "stop").touch()
        seen = read_to_end(one) + read_to_end(other)

    assert len(told) > DOCUMENTS // 3
    assert [line for line in seen if not line.startswith("looks ")] == []
    assert all(int(line.split()[1]) > 0 for line in seen)


@pytest.mark.slow
def test_two_writers_take_turns_while_readers_look(tmp_path: Path) -> None:
    with (
        process("write", tmp_path, "0:0") as even,
        process("write", tmp_path, "1:0") as odd,
        process("read", tmp_path) as reader,
    ):
        # Not for a time but for a number of turns: how long they take is the machine's matter.
        begun = ["".join(lines_of(writer, 12)) for writer in (even, odd)]
        even.kill()
        odd.kill()
        outputs = [begun[0] + even.communicate()[0], begun[1] + odd.communicate()[0]]
        (tmp_path / "stop").touch()
        seen = read_to_end(reader)

    each = [acknowledged(output) for output in outputs]
    assert all(len(told) > 3 for told in each)
    assert_whole(tmp_path, each[0] | each[1])
    assert [line for line in seen if not line.startswith("looks ")] == []


def test_a_lost_bm25_index_is_built_again_from_the_passages(tmp_path: Path) -> None:
    index = EmbeddedKeywords(tmp_path)
    index.put([passage("The invoice is sent by mail.", document="a")])
    for folder in tmp_path.glob("bm25-*"):
        for file in folder.iterdir():
            file.write_bytes(b"broken")

    found = EmbeddedKeywords(tmp_path).search("invoices", limit=3)

    assert [hit.passage.document_id for hit in found] == ["a"]


def test_what_a_killed_writer_left_unfinished_is_finished_by_the_next_reader(tmp_path: Path) -> None:
    EmbeddedKeywords(tmp_path).put([passage("The invoice is sent by mail.", document="a")])
    unfinished = EmbeddedKeywords(tmp_path)
    unfinished._catch_up = lambda: None  # type: ignore[method-assign]  # Killed right before it.
    unfinished.put([passage("Invoices are kept ten years.", document="b")])

    found = EmbeddedKeywords(tmp_path).search("invoices", limit=3)

    assert {hit.passage.document_id for hit in found} == {"a", "b"}


def test_dead_vectors_are_cleared_away_and_the_living_stay_where_they_are_found(tmp_path: Path) -> None:
    writer, reader = EmbeddedVectors(tmp_path, DIMENSIONS), EmbeddedVectors(tmp_path, DIMENSIONS)
    kept, changing = version_of(3, 1), version_of(7, 1)
    writer.put(kept, [direction_of(3)] * PASSAGES)
    for _ in range(_DEAD_WORTH_A_MOVE // PASSAGES + 4):
        writer.put(changing, [direction_of(7)] * PASSAGES)
        assert len(reader.search(direction_of(3), limit=PASSAGES)) == PASSAGES

    rows = sum(file.stat().st_size for file in tmp_path.glob("*.f32")) // (4 * DIMENSIONS)
    found = reader.search(direction_of(7), limit=PASSAGES)

    assert rows < _DEAD_WORTH_A_MOVE
    assert {hit.passage.document_id for hit in found} == {"d7"}
    assert reader.score(direction_of(3), [kept[0].passage_id]) == {kept[0].passage_id: pytest.approx(1.0)}


def test_the_write_ahead_log_does_not_grow_with_every_put(tmp_path: Path) -> None:
    index, reader = EmbeddedKeywords(tmp_path), EmbeddedKeywords(tmp_path)
    text = "The invoice is sent by mail. " * 2000
    for number in range(8):
        index.put([passage(text, document=f"d{number}-{part}") for part in range(40)])
        reader.search("invoice", limit=3)

    assert (tmp_path / "keywords.db").stat().st_size > 16 << 20
    assert (tmp_path / "keywords.db-wal").stat().st_size <= 8 << 20


def test_threads_of_one_process_search_at_once(tmp_path: Path) -> None:
    keywords, vectors = opened(tmp_path)
    for document in range(DOCUMENTS):
        keywords.put(version_of(document, 1))
        vectors.put(version_of(document, 1), [direction_of(document)] * PASSAGES)

    def look(document: int) -> bool:
        words = keywords.search(f"state{document}x1", limit=9)
        near = vectors.search(direction_of(document), limit=PASSAGES)
        scored = vectors.score(direction_of(document), [hit.passage.passage_id for hit in words])
        return len(words) == len(near) == len(scored) == PASSAGES

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(look, list(range(DOCUMENTS)) * 10))


def test_a_reader_is_not_held_up_by_a_writer(tmp_path: Path) -> None:
    index = EmbeddedKeywords(tmp_path)
    index.put([passage("The invoice is sent by mail.", document="a")])

    with ThreadPoolExecutor(1) as reading, index._store.locked():
        found = reading.submit(EmbeddedKeywords(tmp_path).search, "invoices", limit=3).result(timeout=60)

    assert found
