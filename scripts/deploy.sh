#!/usr/bin/env bash
# Deploys to the AWS account of the current credentials; docs/deploy.md says what it makes and costs.
#
#   scripts/deploy.sh [further arguments of sam deploy]
#
#   WORKER_VPC=vpc-… WORKER_SUBNETS=subnet-a…,subnet-b…   also the worker's fleet, in two zones
set -euo pipefail
cd "$(dirname "$0")/.."

export SAM_CLI_TELEMETRY=0
PATH="$PWD/.venv/bin:$PATH"
stack=${STACK:-bursa}

fail() {
  echo "deploy: $*" >&2
  exit 1
}

[ -z "${AWS_ENDPOINT_URL:-}" ] || fail "AWS_ENDPOINT_URL is set: that is no AWS. Unset it."
if [ -n "${WORKER_VPC:-}" ]; then
  [[ "${WORKER_SUBNETS:-}" == *,* ]] || fail "WORKER_VPC needs WORKER_SUBNETS=one,other."
fi
python -m scripts.publish_worker --check || exit 1

# Packages are fetched for Lambda's platform; the interpreter that resolves them must be its version.
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
echo "deploy: building for python$version on arm64"
sam build --parameter-overrides "PythonRuntime=python$version"
python -m scripts.slim_layer .aws-sam/build

echo "deploy: the exchange, stack $stack"
sam deploy --guided --stack-name "$stack" \
  --parameter-overrides "PythonRuntime=python$version" "$@"

if [ -n "${WORKER_VPC:-}" ]; then
  echo "deploy: the worker's archive"
  key=$(python -m scripts.publish_worker --stack "$stack")
  echo "deploy: the worker's fleet, from $key"
  sam deploy --stack-name "$stack" --parameter-overrides \
    "WorkerFleet=true" "WorkerVpcId=$WORKER_VPC" "WorkerSubnetIds=$WORKER_SUBNETS" \
    "WorkerArtifactKey=$key"
else
  echo "deploy: without WORKER_VPC and WORKER_SUBNETS no worker runs yet, so no order is decided"
fi
