"""`python -m infra.opensearch --port 9200`: a real OpenSearch on this machine until Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path

from infra.java import JavaError
from infra.opensearch.server import EDITIONS, node


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.opensearch", description=__doc__)
    parser.add_argument("--port", type=int, default=9200)
    parser.add_argument("--edition", choices=sorted(EDITIONS), default="2", help="2 has k-NN, 3 has not")
    parser.add_argument("--data", type=Path, default=Path(".candor") / "opensearch", help="kept between runs")
    parser.add_argument("--memory", default="1g", help="the heap's limit")
    asked = parser.parse_args()
    edition = EDITIONS[asked.edition]
    data = asked.data.resolve() / edition.version
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with node(data, port=asked.port, edition=edition, memory=asked.memory) as server:
            print(
                f"OpenSearch {edition.version} listens on {server.url}; its data lie in {data}.", flush=True
            )
            return server.wait()
    except JavaError as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
