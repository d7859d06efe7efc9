#!/bin/sh
# Pin everything again, with hashes, for every supported Python. Needs uv.
set -eu
cd "$(dirname "$0")"
compile() { uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"; }
compile uv.in -o uv.txt
compile dev.in --override overrides.txt -o dev.txt
compile run.in --override overrides.txt --constraint dev.txt -o run.txt
