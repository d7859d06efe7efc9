"""WHMCS dumps: reading stops anywhere, goes on elsewhere, and gives exactly what one go would have given."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from candor.adapters.dump_files import FolderDump
from candor.adapters.spills import FolderSpill, MemorySpill
from candor.tickets.values import TicketDraft
from candor.whmcs import dumps
from tests.benchmarks.dump_generator import Shape, world_for, write, write_folder
from tests.benchmarks.dump_world import World

PARTITIONS = 5


def _joined(scan: dumps.Scan, spill: dumps.Spill) -> list[TicketDraft]:
    options = dumps.Options()
    found = [one for part in range(scan.partitions) for one in dumps.tickets(scan, spill, part, options)]
    return sorted(found, key=lambda one: int(one.number))


def _again(scan: dumps.Scan) -> dumps.Scan:
    """As a job keeps it."""
    return dumps.Scan.of(json.loads(json.dumps(scan.as_checkpoint())))


def _files(folder: Path, packing: str, shape: Shape, world: World) -> list[Path]:
    if packing == "folder":
        return write_folder(world, shape, folder / "export")
    path = folder / "whmcs.sql"
    with path.open("wb") as out:
        write(world, shape, out)
    if packing == "gz":
        path.write_bytes(gzip.compress(path.read_bytes()))
    if packing == "zip":
        body = path.read_bytes()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("whmcs.sql", body)
    return [path]


@pytest.fixture(autouse=True)
def several_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small dumps, parted as large ones are."""
    monkeypatch.setattr("candor.whmcs.dumps.scanning.PARTITION_BYTES", 100_000)


@pytest.mark.parametrize(
    ("packing", "shape"),
    [
        ("", Shape()),
        ("", Shape(encoding="utf16")),
        ("", Shape(style="single")),
        ("", Shape(style="bare")),
        ("", Shape(style="no_backslash")),
        ("gz", Shape()),
        ("zip", Shape()),
        ("folder", Shape()),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.style}-{value.encoding}",
)
def test_a_scan_that_stops_at_every_chance_gives_the_same(tmp_path: Path, packing: str, shape: Shape) -> None:
    world = world_for(shape, tickets=260)
    files = _files(tmp_path, packing, shape, world)
    spill = FolderSpill(tmp_path / "spill")

    scan, rounds, done = None, 0, -1
    while scan is None or not scan.finished:
        left = iter([1_000.0, 1_000.0])
        scan = _again(
            dumps.scan(
                FolderDump(files),
                spill,
                dumps.Options(),
                checkpoint=scan,
                remaining=lambda left=left: next(left, 0.0),  # type: ignore[misc]
                segment_bytes=30_000,
            )
        )
        rounds += 1
        assert scan.bytes_done >= done, "progress never goes back"
        done = scan.bytes_done

    assert rounds > 10
    assert [replace(one, source_file="") for one in _joined(scan, spill)] == list(world.truth())


def test_an_older_checkpoint_gives_the_same_whatever_was_written_after_it(tmp_path: Path) -> None:
    shape = Shape()
    world = world_for(shape, tickets=260)
    dump = FolderDump(_files(tmp_path, "", shape, world))
    options, spill = dumps.Options(), MemorySpill()
    kept: list[dumps.Scan] = []
    # Given a reading that was killed at its end, and of which only older checkpoints were kept.
    dumps.scan(dump, spill, options, on_progress=kept.append, segment_bytes=20_000)
    assert len(kept) > 8

    for place, checkpoint in enumerate(kept[:-1]):
        # When it goes on with other stops than before.
        scan = dumps.scan(
            dump, spill, options, checkpoint=_again(checkpoint), segment_bytes=20_000 + 9_000 * place
        )

        assert [replace(one, source_file="") for one in _joined(scan, spill)] == list(world.truth())


def test_what_was_finished_is_not_read_again(tmp_path: Path) -> None:
    shape = Shape()
    dump = FolderDump(_files(tmp_path, "", shape, world_for(shape, tickets=30)))
    spill = MemorySpill()
    scan = dumps.scan(dump, spill, dumps.Options())
    before = dict(spill.blocks)

    again = dumps.scan(dump, spill, dumps.Options(), checkpoint=_again(scan), remaining=lambda: 0.0)

    assert again == _again(scan)
    assert spill.blocks == before


def test_a_partition_told_again_is_told_in_the_same_order(tmp_path: Path) -> None:
    shape = Shape()
    dump = FolderDump(_files(tmp_path, "", shape, world_for(shape, tickets=260)))
    spill = MemorySpill()
    scan = dumps.scan(dump, spill, dumps.Options())
    assert scan.partitions >= PARTITIONS

    for partition in range(scan.partitions):
        first, second = (list(dumps.tickets(scan, spill, partition, dumps.Options())) for _ in range(2))

        assert first == second
        assert [int(one.number) for one in first] == sorted(int(one.number) for one in first)


def test_tickets_are_not_told_before_everything_is_read(tmp_path: Path) -> None:
    from candor.errors import Invalid

    shape = Shape()
    dump = FolderDump(_files(tmp_path, "", shape, world_for(shape, tickets=30)))
    spill = MemorySpill()
    scan = dumps.scan(dump, spill, dumps.Options(), remaining=lambda: 0.0)

    with pytest.raises(Invalid, match="not been read to its end"):
        list(dumps.tickets(scan, spill, 0, dumps.Options()))


CHILD = """
import json, os, sys, time
from pathlib import Path
from candor.adapters.dump_files import FolderDump
from candor.adapters.spills import FolderSpill
from candor.whmcs import dumps
from candor.whmcs.dumps import scanning
scanning.PARTITION_BYTES = 100_000
folder, kept = Path(sys.argv[1]), Path(sys.argv[2])
def keep(scan):
    new = kept.with_suffix(".new")
    new.write_text(json.dumps(scan.as_checkpoint()))
    os.replace(new, kept)
    time.sleep(0.002)
checkpoint = dumps.Scan.of(json.loads(kept.read_text())) if kept.exists() else None
dumps.scan(FolderDump([folder / "whmcs.sql"]), FolderSpill(folder / "spill"), dumps.Options(),
           checkpoint=checkpoint, on_progress=keep, segment_bytes=20_000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["", "gz"])
def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path, packing: str) -> None:
    shape = Shape()
    world = world_for(shape, tickets=800)
    _files(tmp_path, packing, shape, world)
    kept = tmp_path / "kept.json"
    rng = random.Random(7)
    kills = 0

    while kills < 20:
        child = _child([str(tmp_path), str(kept)])
        # Killed between its start and, often, the middle of writing a block.
        if _ends_within(child, 0.25 + rng.random() * 0.15):
            assert child.returncode == 0
            kept.unlink()  # It was through: begin anew, over the blocks of all that went before.
            continue
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        kills += 1
    assert _ends_within(_child([str(tmp_path), str(kept)]), 600)

    scan = dumps.Scan.of(json.loads(kept.read_text()))
    found = _joined(scan, FolderSpill(tmp_path / "spill"))
    assert [replace(one, source_file="") for one in found] == list(world.truth())


def _child(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": "layers/core"}
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", CHILD, *arguments], cwd=root, env=environment)


def _ends_within(
    child: "subprocess.Popen[bytes]", seconds: float, clock: Callable[[], float] = time.monotonic
) -> bool:
    end = clock() + seconds
    while clock() < end:
        if child.poll() is not None:
            return True
        time.sleep(0.005)
    return False
