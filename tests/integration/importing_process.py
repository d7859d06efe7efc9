"""
An import's worker, for tests that kill it: `importing_process.py JOB STEP`.

It is wired as the function is, from its environment, and takes the job as far as it gets.
"""

import sys
import time

from candor import wiring
from candor.adapters import cores
from candor.importing import run
from candor.tickets import keeping


def main(job_id: str, step: int) -> None:
    run.STEP = step  # type: ignore[misc]
    run.LOOK_SECONDS = 0.0  # type: ignore[misc]
    # Several slices of each step, reckoned by processes of their own wherever there may be some.
    keeping.SLICE = 10  # type: ignore[misc]
    cores._cores = lambda: 3
    importing = wiring.importing()
    ends = time.monotonic() + 300
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while not wiring.jobs().get(job_id).status.ended:
        importing.go_on(job_id, remaining=lambda: ends - time.monotonic())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
