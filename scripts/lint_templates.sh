#!/usr/bin/env bash
# Checks the templates: the application with SAM's own linter, the nested stacks with CloudFormation's.
set -euo pipefail
cd "$(dirname "$0")/.."

# `sam validate` asks no service, but its linter wants to know a region.
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1}
.venv/bin/sam validate --lint --template-file template.yaml
# W3002: a stack inside a nested stack is a local path until `sam package` uploads it.
.venv/bin/cfn-lint --ignore-checks W3002 -- infra/*.yaml scripts/deploy/artifacts.yaml
echo "infra/*.yaml and the bucket of builds are valid CloudFormation templates"
