"""The local cloud's own habits: what it lets go of, and whom it lets go first."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

_STREAMS = """
import json, sys, time
from infra.local.privates import Privates
import ministack.services.dynamodb as dynamodb, ministack.services.lambda_svc as functions

changes, *positions = map(int, sys.argv[1:])
privates = Privates()
privates.hold_poller()
where = ("000000000000", "us-east-1")
source = "arn:aws:dynamodb:us-east-1:000000000000:table/pages/stream/1"
for number, position in enumerate(positions):
    uuid = f"mapping-{number}"
    functions._esms.set_scoped(*where, uuid, {"UUID": uuid, "EventSourceArn": source, "Enabled": False})
    functions._dynamodb_stream_positions.set_scoped(*where, uuid, position)
now = time.time()
records = [{"number": n, "dynamodb": {"ApproximateCreationDateTime": now}} for n in range(changes)]
dynamodb._stream_records.set_scoped(*where, "pages", records)

privates.let_go_of_delivered_changes()
functions._poll_dynamodb_streams()
functions._poll_dynamodb_streams()

scope = {"account_id": where[0], "region": where[1]}
next_ones = dynamodb.stream_records_since("pages", positions[0], 3, **scope) if positions else []
print(json.dumps({
    "kept": len(dynamodb._stream_records.get_scoped(*where, "pages")),
    "end": dynamodb.stream_end_position("pages", **scope),
    "next": [record["number"] for record in next_ones],
}))
"""


_WORKERS = """
import json, os, subprocess, sys
from types import SimpleNamespace
from infra.local.privates import Privates
import ministack.core.lambda_runtime as runtime

def spawn(worker):
    worker._proc = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

runtime.Worker._spawn = spawn
privates = Privates()
told = {}
for background in sys.argv[1:]:
    privates.yield_to_requests(dict.fromkeys(background.split(","), 5))
    for name in ("index", "replies"):
        worker = SimpleNamespace(func_name=name)
        runtime.Worker._spawn(worker)
        told.setdefault(name, []).append(os.getpriority(os.PRIO_PROCESS, worker._proc.pid))
        worker._proc.communicate(b"\\n")
own = os.getpriority(os.PRIO_PROCESS, 0)
print(json.dumps({name: [priority - own for priority in found] for name, found in told.items()}))
"""


def in_a_process(command: list[str]) -> Any:
    """Of its own: importing ministack starts threads and reads the environment."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def after_a_pass(changes: int, *positions: int) -> dict[str, Any]:
    """What is left in a process of its own, with these positions of the stream's readers."""
    command = [sys.executable, "-c", _STREAMS, str(changes), *map(str, positions)]
    left: dict[str, Any] = in_a_process(command)
    return left


@pytest.mark.parametrize(
    ("positions", "kept"),
    [
        ([4_990], 1_000),  # All but a few delivered: the last thousand stay.
        ([5_000], 1_000),
        ([100], 4_900),  # Whatever is still to be delivered stays.
        ([0], 5_000),
        ([4_990, 200], 4_800),  # For every reader.
        ([], 5_000),  # Nobody reads by a function: nobody knows what has been read.
    ],
)
def test_only_what_every_reader_has_is_let_go_of(positions: list[int], kept: int) -> None:
    left = after_a_pass(5_000, *positions)

    assert (left["kept"], left["end"]) == (kept, 5_000)


def test_positions_mean_the_same_records_afterwards() -> None:
    assert after_a_pass(5_000, 4_990)["next"] == [4_990, 4_991, 4_992]


def test_workers_off_queues_yield_to_those_that_answer_requests() -> None:
    told = in_a_process([sys.executable, "-c", _WORKERS, "index"])

    assert told == {"index": [5], "replies": [0]}


def test_a_redeploy_says_anew_who_yields() -> None:
    told = in_a_process([sys.executable, "-c", _WORKERS, "index", "none"])

    assert told == {"index": [5, 0], "replies": [0, 0]}
