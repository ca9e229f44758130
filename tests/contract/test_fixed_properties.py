"""What CloudFormation would answer with a replacement: the properties that are for good.

A table, bucket, vault, queue, key or pool whose name, keys or kind change is replaced by an empty
one; the guard of `make deploy` stops it, and this test says so before anybody deploys. After a
change that is meant, `python -m tests.contract.test_fixed_properties` writes the file anew.
"""

import json
from pathlib import Path

import pytest

from scripts.deploy.guard import HOLDS_DATA
from tests.contract.templates import TEMPLATES, Json, resources

GOLDEN = Path(__file__).with_name("fixed_properties.json")
# By CloudFormation's resource types: "Update requires: Replacement", always or at times.
FIXED = {
    "AWS::Backup::BackupVault": {"BackupVaultName", "EncryptionKeyArn"},
    "AWS::Cognito::UserPool": {"AliasAttributes", "UsernameAttributes", "UsernameConfiguration"},
    "AWS::DynamoDB::Table": {"ImportSourceSpecification", "KeySchema", "TableName"},
    "AWS::KMS::Key": {"KeySpec", "KeyUsage", "MultiRegion", "Origin"},
    "AWS::S3::Bucket": {"BucketName", "BucketNamePrefix", "ObjectLockEnabled"},
    "AWS::SQS::Queue": {"FifoQueue", "QueueName"},
    "AWS::SecretsManager::Secret": {"Name"},
}  # fmt: skip


def fixed() -> Json:
    """Return those properties of every such resource, by template and logical id."""
    return {
        f"{path.name}:{name}": {
            "Type": body["Type"],
            **{
                key: value
                for key, value in sorted(body.get("Properties", {}).items())
                if key in FIXED[body["Type"]]
            },
        }
        for path in TEMPLATES
        for name, body in sorted(resources(path, *FIXED).items())
    }


def test_every_kind_that_holds_data_is_looked_at() -> None:
    used = {body["Type"] for path in TEMPLATES for body in resources(path).values()}
    assert used & HOLDS_DATA <= set(FIXED) <= HOLDS_DATA


@pytest.mark.parametrize("name", sorted(json.loads(GOLDEN.read_text())) if GOLDEN.exists() else [])
def test_what_holds_data_keeps_what_is_for_good(name: str) -> None:
    before = json.loads(GOLDEN.read_text())[name]
    assert fixed().get(name) == before


def test_what_is_new_is_kept_from_now_on() -> None:
    assert sorted(fixed()) == sorted(json.loads(GOLDEN.read_text()))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(fixed(), indent=2) + "\n")
