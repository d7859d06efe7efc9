#!/bin/sh
# Pin everything again, with hashes, for every supported Python; then the layers, for the Lambda runtime. Needs uv.
set -eu
cd "$(dirname "$0")"
compile() { uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"; }
everywhere() { compile --universal --python-version 3.11 --override overrides.txt "$@"; }
everywhere functions.in embedded.in weights.in local.in dev.in tools.in -o dev.txt
everywhere functions.in embedded.in weights.in local.in --constraint dev.txt -o run.txt
compile --universal --python-version 3.11 uv.in -o uv.txt

# The runtime brings boto3; Chalice's command line, OpenSearch's gRPC and the like have no place in a layer.
left_out="boto3 botocore s3transfer jmespath pip setuptools wheel inquirer click pyyaml readchar blessed wcwidth editor runs xmod jinxed ansicon
  grpcio protobuf opensearch-protobufs"
layer() { # name, and the packages that layers before it hold
  flags=""
  for package in $2; do flags="$flags --no-emit-package $package"; done
  # shellcheck disable=SC2086
  compile --no-python-downloads --python-version 3.13 --python-platform aarch64-manylinux_2_28 --constraint dev.txt $flags \
    "../layers/$1/requirements.in" -o "../layers/$1/requirements.txt"
}
held() { sed -n 's/^\([a-z0-9._-]*\)==.*/\1/p' "../layers/$1/requirements.txt" | tr '\n' ' '; }
# A function that takes `ai` takes `search` before it; every function takes `base`.
layer base "$left_out"
left_out="$left_out $(held base)"
layer ingest "$left_out"
layer search "$left_out"
layer ai "$left_out $(held search)"

# What the image of infra/browser adds to the layers base and ingest.
compile --no-python-downloads --python-version 3.13 --python-platform aarch64-manylinux_2_28 --constraint dev.txt \
  ../infra/browser/requirements.in -o ../infra/browser/requirements.txt
