#!/usr/bin/env bash
# Checks the templates: the application with SAM's own linter, all of them with CloudFormation's for
# the regions below, and with a scanner of policies (scripts/lint). What passed once is not checked
# again until it, its checks or their versions change.
set -euo pipefail
cd "$(dirname "$0")/.."

# The regions of the larger markets, the newest kinds of instances in all of them.
regions=(us-east-1 us-west-2 sa-east-1 eu-west-1 eu-central-1 ap-southeast-1 ap-southeast-3 ap-northeast-1)
templates=(template.yaml infra/*.yaml layers/core/bursa/tenants/blueprints/*.yaml scripts/deploy/artifacts.yaml)

passed=.local/lint/templates-$(
  sha256sum "${templates[@]}" scripts/lint_templates.sh scripts/lint/* requirements.lock |
    sha256sum | cut -c1-16
)
if [ -e "$passed" ]; then
  echo "lint: the templates have passed as they are"
  exit
fi

# `sam validate` asks no service, but its linter wants to know a region.
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1}
.venv/bin/sam validate --lint --template-file template.yaml
# W3002: a stack inside a nested stack is a local path until `sam package` uploads it.
.venv/bin/cfn-lint --ignore-checks W3002 --regions "${regions[@]}" -- "${templates[@]}"
echo "lint: the templates are valid in ${#regions[@]} regions"

scripts/lint/install.sh
.venv/bin/python -m scripts.lint.policies .local/lint/venv/bin/checkov "${templates[@]}"
mkdir -p .local/lint
rm -f .local/lint/templates-*
touch "$passed"
