"""Cores: parts are done by several processes, come in their order, and no part is lost with its process."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from candor.adapters.cores import spread
from tests.doubles import whmcs_dump as whmcs

ROOT = Path(__file__).parents[2]
splitting = pytest.mark.skipif(sys.platform != "linux", reason="processes are split off on Linux only")


def run(script: str) -> str:
    """In a process of its own: this one has threads, and is not split."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f".{os.pathsep}layers/core"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout + done.stderr


SEVERAL = """
import os
from candor.adapters import cores
cores._cores = lambda: 3
"""


@splitting
def test_parts_come_in_their_order_from_as_many_processes_as_there_are_cores() -> None:
    said = run(
        SEVERAL
        + """
found = [one.split() for one in cores.spread(7, lambda part: b"%d %d" % (part, os.getpid()))]
print([int(part) for part, _ in found], len({pid for _, pid in found} - {b"%d" % os.getpid()}))
"""
    )

    assert said == "[0, 1, 2, 3, 4, 5, 6] 3\n"


@splitting
def test_a_part_whose_process_died_is_done_all_the_same() -> None:
    said = run(
        SEVERAL
        + """
me = os.getpid()
def work(part):
    if part == 4 and os.getpid() != me:
        os.kill(os.getpid(), 9)
    return b"%d " % part * 100_000
found = list(cores.spread(8, work))
print(found == [b"%d " % part * 100_000 for part in range(8)])
"""
    )

    assert said == "True\n"


@splitting
def test_an_error_is_the_callers_own_and_leaves_no_process_behind() -> None:
    said = run(
        SEVERAL
        + """
def work(part):
    if part == 1:
        raise ValueError("part 1")
    return bytes(1_000_000)
try:
    list(cores.spread(9, work))
except ValueError as error:
    print(error)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none")
"""
    )

    assert said == "part 1\nnone\n"


@splitting
def test_whoever_stops_listening_ends_the_work() -> None:
    said = run(
        SEVERAL
        + """
import time
def work(part):
    if part > 2:
        time.sleep(3_600)
    return b"%d" % part
results = cores.spread(9, work)
print(next(results))
results.close()
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none")
"""
    )

    assert said == "b'0'\nnone\n"


def test_a_process_with_threads_does_everything_itself() -> None:
    going = threading.Event()
    other = threading.Thread(target=going.wait)
    other.start()

    pids = set(spread(4, lambda part: str(os.getpid()).encode()))

    going.set()
    other.join()
    assert pids == {str(os.getpid()).encode()}


@splitting
def test_cores_that_have_other_work_are_left_to_it() -> None:
    said = run(
        SEVERAL
        + """
def pids(spare):
    return set(cores.spread(6, lambda part: b"%d" % os.getpid(), spare=spare))
print(len(pids(0)), len(pids(1)), pids(2) == {b"%d" % os.getpid()})
"""
    )

    assert said == "3 2 True\n"


def test_of_nothing_comes_nothing() -> None:
    assert list(spread(0, lambda part: b"x")) == []


@splitting
def test_tickets_of_several_processes_are_written_in_the_order_of_one(tmp_path: Path) -> None:
    (tmp_path / "whmcs.sql").write_bytes(whmcs.of(60))
    read = f"""
import re
from pathlib import Path
from candor.whmcs.dumps import scanning
from infra.local.imports import Wanted, import_dry
scanning.PARTITION_BYTES = 2_000
folder = Path({str(tmp_path)!r})
def read(cores_there):
    cores._cores = lambda: cores_there
    import_dry(str(folder / "whmcs.sql"), Wanted(out=folder / "out.jsonl"))
    lines = (folder / "out.jsonl").read_text().splitlines()
    return [re.search('"external_id":"([0-9]+)"', line)[1] for line in lines]
together = read(3)
print(len(together), together == read(1), cores._may_split())
"""

    said = run(SEVERAL + read)

    assert "60 True True" in said
    assert said.count("tickets       60") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "whmcs.sql"]
