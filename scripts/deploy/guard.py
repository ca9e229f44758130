"""Stops a change set that would take away what holds money, records, users or keys."""

from collections.abc import Iterable

from scripts.deploy.account import Change

# What can't be made again from anything else. A replaced one is a new, empty one, and the old one
# is left behind unused.
HOLDS_DATA = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)
NESTED = "AWS::CloudFormation::Stack"


def dangers(changes: Iterable[Change]) -> list[Change]:
    """Return the changes that would replace or remove something that holds data.

    A queue counts, since commands wait in it. ``Conditional`` counts as a replacement, because it
    can become one. A nested stack that is removed takes everything in it along, and its change set
    does not say what that is.
    """
    return [change for change in changes if _is_danger(change)]


def _is_danger(change: Change) -> bool:
    if change.kind == NESTED:
        return change.action == "Remove" or change.replacement in {"True", "Conditional"}
    if change.kind not in HOLDS_DATA:
        return False
    return change.action == "Remove" or change.replacement in {"True", "Conditional"}
