"""`python -m infra.dynamodb --port 8000`: DynamoDB Local on this machine until Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path

from infra.dynamodb.server import engine
from infra.java import JavaError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.dynamodb", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--log", type=Path, default=Path(".candor") / "dynamodb.log")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with engine(asked.log.resolve(), port=asked.port) as server:
            print(f"DynamoDB Local listens on {server.url}; its tables live in memory.", flush=True)
            return server.wait()
    except JavaError as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
