"""The local cloud's memory: the journal, its generations, and the names of ministack they lean on."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from infra.local.generations import Generations
from infra.local.journal import Journal, JournalDamaged, read
from infra.local.privates import NAMES
from tests.e2e.running import ROOT


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def changes(folder: Path, *, after: int = 0) -> list[tuple[int, list[Any]]]:
    return list(read(folder, after=after))


async def write(folder: Path, *values: str, last: int = 0) -> None:
    journal = Journal(folder, last=last)
    for value in values:
        journal.add(["row", value])
        await journal.commit()
    journal.close()


def test_commits_come_back_in_order_and_numbered_one_by_one(tmp_path: Path) -> None:
    run(write(tmp_path, "a", "b", "Привет \ud800"))

    assert changes(tmp_path) == [(1, [["row", "a"]]), (2, [["row", "b"]]), (3, [["row", "Привет \ud800"]])]
    assert changes(tmp_path, after=2) == [(3, [["row", "Привет \ud800"]])]


@pytest.mark.parametrize("cut", [1, 2, 10, 25])
def test_a_line_that_a_kill_cut_short_is_as_if_never_written(tmp_path: Path, cut: int) -> None:
    run(write(tmp_path, "a", "b"))
    (file,) = tmp_path.glob("*.jsonl")

    file.write_bytes(file.read_bytes()[:-cut])

    assert changes(tmp_path) == [(1, [["row", "a"]])]


def test_after_a_torn_line_the_next_run_goes_on_with_its_number(tmp_path: Path) -> None:
    run(write(tmp_path, "a", "torn"))
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-5])

    run(write(tmp_path, "b", last=1))

    assert changes(tmp_path) == [(1, [["row", "a"]]), (2, [["row", "b"]])]


def test_a_line_that_changed_on_disk_ends_the_journal_and_missing_ones_are_an_error(tmp_path: Path) -> None:
    run(write(tmp_path, "a", "b", "c"))
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_text()

    file.write_text(whole.replace('"b"', '"B"'))
    assert changes(tmp_path) == [(1, [["row", "a"]])]

    lines = whole.splitlines(keepends=True)
    file.write_text(lines[0] + lines[2])
    with pytest.raises(JournalDamaged, match="line 3 follows line 1"):
        changes(tmp_path)


def test_lines_that_no_generation_holds_must_be_there(tmp_path: Path) -> None:
    run(write(tmp_path, "e", last=4))

    assert changes(tmp_path, after=4) == [(5, [["row", "e"]])]
    with pytest.raises(JournalDamaged, match="lines 3 to 4 are missing"):
        changes(tmp_path, after=2)


def test_what_is_committed_together_is_one_line_whole_or_absent(tmp_path: Path) -> None:
    async def transaction() -> None:
        journal = Journal(tmp_path, last=0)
        journal.add(["row", "a"])
        journal.add(["row", "b"])
        await journal.commit()
        journal.close()

    run(transaction())
    assert changes(tmp_path) == [(1, [["row", "a"], ["row", "b"]])]

    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-1])
    assert changes(tmp_path) == []


def test_writers_that_wait_at_the_same_time_share_a_write(tmp_path: Path) -> None:
    async def crowd() -> None:
        journal = Journal(tmp_path, last=0)

        async def writer(number: int) -> None:
            journal.add(["row", number])
            await journal.commit()
            assert any(change == ["row", number] for _, commit in changes(tmp_path) for change in commit)

        await asyncio.gather(*(writer(number) for number in range(50)))
        assert journal.last < 10
        journal.close()

    run(crowd())

    written = [change[1] for _, commit in changes(tmp_path) for change in commit]
    assert sorted(written) == list(range(50))


def test_a_client_that_leaves_does_not_take_the_others_commit_with_it(tmp_path: Path) -> None:
    async def two() -> None:
        journal = Journal(tmp_path, last=0)
        journal.add(["row", "left"])
        leaving = asyncio.create_task(journal.commit())
        staying = asyncio.create_task(journal.commit())
        await asyncio.sleep(0)
        leaving.cancel()
        await staying
        journal.close()

    run(two())

    assert changes(tmp_path) == [(1, [["row", "left"]])]


def test_a_change_is_noted_as_it_was_when_it_was_made(tmp_path: Path) -> None:
    async def changing() -> None:
        journal = Journal(tmp_path, last=0)
        item = {"n": 1}
        journal.add(["row", item])
        item["n"] = 2
        await journal.commit()
        journal.close()

    run(changing())

    assert changes(tmp_path) == [(1, [["row", {"n": 1}]])]


def test_rotating_lets_go_of_the_lines_before_and_of_no_others(tmp_path: Path) -> None:
    async def rotating() -> None:
        journal = Journal(tmp_path, last=0)
        journal.add(["row", "a"])
        last = await journal.rotate()
        journal.add(["row", "b"])
        await journal.commit()
        journal.forget(last)
        journal.close()

    run(rotating())

    assert changes(tmp_path, after=1) == [(2, [["row", "b"]])]
    assert [file.name for file in tmp_path.glob("*.jsonl")] == ["000000000002.jsonl"]


def test_a_generation_is_in_force_only_once_it_is_complete(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    first = generations.begin(last=3, port=4566)
    (first.folder / "sqs.json").write_text("{}")
    assert generations.current() is None
    generations.switch(first)

    # A kill in the middle of the next one: some files are there, the switch is not.
    half = generations.begin(last=9, port=4566)
    (half.folder / "sqs.json").write_text('{"half":')
    after = Generations(tmp_path)

    assert after.current() == first
    after.sweep()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [first.folder]


def test_the_next_generation_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    first = generations.begin(last=3, port=4566)
    generations.switch(first)
    second = generations.begin(last=3, port=4600)

    generations.switch(second)

    assert generations.current() == second
    assert not first.folder.exists()


def test_a_kill_between_the_checkpoint_and_its_journal_replays_nothing_twice(tmp_path: Path) -> None:
    run(write(tmp_path / "journal", "a", "b", "c"))
    generations = Generations(tmp_path / "generations")
    generations.switch(generations.begin(last=3, port=4566))

    # The journal was not let go of any more.
    kept = generations.current()

    assert kept is not None
    assert changes(tmp_path / "journal", after=kept.last) == []


def test_the_private_names_of_ministack_are_where_they_were() -> None:
    wanted = [f"{module}:{name}" for module, names in NAMES.items() for name in names]
    code = (
        "import importlib, sys\n"
        "missing = [n for n in sys.argv[1:]\n"
        "           if not hasattr(importlib.import_module(n.split(':')[0]), n.split(':')[1])]\n"
        "print(' '.join(missing))\n"
    )

    # In a process of its own: importing ministack starts threads and reads the environment.
    done = subprocess.run(
        [sys.executable, "-c", code, *wanted], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []
