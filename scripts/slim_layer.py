"""Removes from a built layer the models of AWS services that no function uses.

They are four fifths of botocore. Without them a function unpacks and starts faster, on AWS and
locally; both builds run this.
"""

import shutil
import sys
from pathlib import Path

# Every service that functions or worker make a client of, and sts, which botocore itself may ask.
# tests/contract/test_layer_services.py compares it with those.
SERVICES = frozenset(
    {
        "apigatewaymanagementapi",
        "cloudformation",
        "cognito-idp",
        "dynamodb",
        "events",
        "kms",
        "s3",
        "secretsmanager",
        "sesv2",
        "sqs",
        "stepfunctions",
        "sts",
    }
)


def slim(build: Path) -> int:
    """Remove the models of other services below a build folder; returns how many."""
    models = list(build.glob("*/python/botocore/data/*/"))
    removed = [model for model in models if model.is_dir() and model.name not in SERVICES]
    for model in removed:
        shutil.rmtree(model)
    return len(removed)


if __name__ == "__main__":
    print(f"slim_layer: {slim(Path(sys.argv[1]))} models of unused services removed")
