"""
Import: how fast a WHMCS dump is read, joined and stored, in how much memory, and what differs from the truth.

    python -m tests.benchmarks.bench_import [--size-mb 200] [--style mysqldump] [--packing gz]

Times of reading and joining are of the processor: what else runs on the machine counts less. The two
references of the same run (a checksum, and the least that any reader in Python must do) tell how much of it
is ours. One process, work files in a folder.
"""

import argparse
import gzip
import lzma
import re
import resource
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from candor.adapters.dump_files import FolderDump
from candor.adapters.spills import FolderSpill
from candor.tickets.values import TicketDraft
from candor.whmcs import dumps
from tests.benchmarks.dump_generator import STYLES, Shape, tickets_for, world_for, write
from tests.benchmarks.dump_world import World

_TOKENS = re.compile(rb"'[^'\\]*+(?:\\.[^'\\]*+)*+'|[^']++", re.DOTALL)

_now = time.process_time
"""Processor time: on a quiet machine it is that of the clock, on a busy one it can still be compared."""


def reference(path: Path) -> tuple[float, float]:
    """MB/s of a checksum, and of the barest way to tell strings from what stands between them."""
    body = path.read_bytes()[:64_000_000]
    size = len(body) / 1e6
    begun = _now()
    zlib.crc32(body)
    checksum = _now() - begun
    begun = _now()
    for _ in _TOKENS.finditer(body):
        pass
    return size / checksum, size / (_now() - begun)


def read(path: Path, spill: FolderSpill) -> tuple[dumps.Scan, float]:
    begun = _now()
    scan = dumps.scan(FolderDump([path]), spill, dumps.Options())
    return scan, _now() - begun


def joined(scan: dumps.Scan, spill: FolderSpill, tally: dumps.Tally) -> Iterator[TicketDraft]:
    for partition in range(scan.partitions):
        yield from dumps.tickets(scan, spill, partition, dumps.Options(), tally=tally)


def join(scan: dumps.Scan, spill: FolderSpill) -> tuple[dumps.Tally, float]:
    """The time of joining alone: every ticket is made and dropped."""
    tally = dumps.Tally()
    begun = _now()
    for _ in joined(scan, spill, tally):
        pass
    return tally, _now() - begun


def differences(scan: dumps.Scan, spill: FolderSpill, world: World) -> int:
    """Tickets that are not as the generator knows them, that are missing, or too many."""
    expected = {draft.number: draft.checksum for draft in world.truth()}
    wrong = 0
    for draft in joined(scan, spill, dumps.Tally()):
        wrong += expected.pop(draft.number, "") != replace(draft, source_file="").checksum
    return wrong + len(expected)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def packed(path: Path, packing: str) -> Path:
    if not packing:
        return path
    to = path.with_name(f"{path.name}.{packing}")
    with ExitStack() as files:
        source = files.enter_context(path.open("rb"))
        if packing == "gz":
            shutil.copyfileobj(source, files.enter_context(gzip.open(to, "wb", compresslevel=6)))
        else:
            shutil.copyfileobj(source, files.enter_context(lzma.open(to, "wb", preset=1)))
    return to


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size-mb", type=float, default=200)
    parser.add_argument("--style", choices=STYLES, default="mysqldump")
    parser.add_argument("--packing", choices=("", "gz", "xz"), default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", action="store_true", help="store the tickets too, and read them back")
    asked = parser.parse_args()
    shape = Shape(style=asked.style)
    world = world_for(shape, tickets=tickets_for(asked.size_mb), seed=asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "whmcs.sql"
        with text.open("wb") as out:
            write(world, shape, out)
        size = text.stat().st_size / 1e6
        path = packed(text, asked.packing)
        print(f"{size:.1f} MB, {world.tickets:,} tickets, {asked.style} {asked.packing}")
        spill = FolderSpill(Path(folder) / "spill")
        scan, reading = read(path, spill)
        tally, joining = join(scan, spill)
        memory = peak_mb()
        checksum, tokens = reference(text)
        print(f"reading   {size / reading:7.1f} MB/s  {reading:6.2f} s  {scan.partitions} partitions")
        print(f"joining   {size / joining:7.1f} MB/s  {joining:6.2f} s  {tally.tickets:,} tickets")
        print(f"together  {size / (reading + joining):7.1f} MB/s")
        print(f"memory    {memory:7.0f} MB at most")
        print(f"reference {checksum:7.1f} MB/s crc32, {tokens:.1f} MB/s bare tokens")
        if asked.store:
            store(scan, spill, world, size)
        print(f"differences to the truth: {differences(scan, spill, world)}")


def store(scan: dumps.Scan, spill: FolderSpill, world: World, size: float) -> None:
    """Joined once more and stored in the embedded AWS, then stored again, then read back."""
    from tests.benchmarks.import_storing import as_stored, stored

    truth = {draft.number: as_stored(draft) for draft in world.truth()}
    drafts, again = joined(scan, spill, dumps.Tally()), joined(scan, spill, dumps.Tally())
    found = stored(drafts, again, truth)
    rate, repeated = found.tickets / found.seconds, found.tickets / found.again_seconds
    print(f"storing   {size / found.seconds:7.1f} MB/s  {found.seconds:6.2f} s  {rate:,.0f} tickets/s")
    same = size / found.again_seconds
    print(f"the same  {same:7.1f} MB/s  {found.again_seconds:6.2f} s  {repeated:,.0f} tickets/s")
    print(f"differences of the table to the truth: {found.differences}; memory {peak_mb():.0f} MB at most")


if __name__ == "__main__":
    main()
