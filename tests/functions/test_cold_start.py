"""A function pays at cold start only for the libraries its work needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Powertools imports `botocore` itself, which is nothing yet; a session is.
HEAVY = {
    "argon2", "boto3", "botocore.session", "numpy", "onnxruntime", "openai", "opensearchpy", "pinecone",
    "playwright", "pynamodb", "tantivy", "tokenizers", "trafilatura",
}  # fmt: skip

FUNCTIONS = sorted(path.parent.name for path in Path("functions").glob("*/app.py"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_a_function_loads_no_heavy_library_and_touches_nothing(function: str) -> None:
    script = f"""
import os, sys
before = dict(os.environ)
import functions.{function}.app
assert dict(os.environ) == before, "the environment was changed"
print(*sys.modules)
"""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**kept, "PYTHONPATH": ".:layers/core", "POWERTOOLS_METRICS_NAMESPACE": "Candor"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not HEAVY & set(done.stdout.split())
