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
for layer in base search ai; do
  flags=""
  for package in $left_out; do flags="$flags --no-emit-package $package"; done
  # shellcheck disable=SC2086
  compile --no-python-downloads --python-version 3.13 --python-platform aarch64-manylinux_2_28 --constraint dev.txt $flags \
    "../layers/$layer/requirements.in" -o "../layers/$layer/requirements.txt"
  # A function takes the layers in this order, so what one holds the next can leave out.
  left_out="$left_out $(sed -n 's/^\([a-z0-9._-]*\)==.*/\1/p' "../layers/$layer/requirements.txt" | tr '\n' ' ')"
done
