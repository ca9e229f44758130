"""Who reaches which objects, and that evidence stays."""

from bursa.kernel import object_keys
from tests.contract.templates import (
    ROOT,
    Json,
    everywhere,
    listed,
    resources,
    statements,
)
from tests.contract.test_template_permissions import STORAGE, actions, mentions


def test_the_bucket_is_closed_to_the_public_and_to_plain_text() -> None:
    (bucket,) = resources(STORAGE, "AWS::S3::Bucket").values()
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    deny = bucket_statements()["OnlyOverTls"]
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def bucket_statements() -> dict[str, Json]:
    (policy,) = resources(STORAGE, "AWS::S3::BucketPolicy").values()
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    return {statement["Sid"]: statement for statement in found}


EVIDENCE = object_keys.evidence(0, 1)
ARCHIVE_BUCKET = "${ArchiveBucket}/"


def prefixes_of(statement: Json) -> set[str]:
    """Return the beginnings of the bucket's keys that a statement of shard 0 is about."""
    resources_named = [str(next(iter(one.values()))) for one in listed(statement["Resource"])]
    assert all(one.endswith("*") for one in resources_named)
    prefixes = {one.partition("/")[2].removesuffix("*") for one in resources_named}
    return {prefix.replace("${ShardNumber}", "0") for prefix in prefixes}


def reached_by(found: list[Json]) -> set[str]:
    return {prefix for statement in found for prefix in prefixes_of(statement)}


def worker_statements(bucket: str) -> list[Json]:
    role = everywhere("AWS::IAM::Role")["worker-fleet.yaml:WorkerRole"]
    return [statement for statement in statements(role) if mentions(statement, bucket)]


def test_the_worker_may_add_evidence_and_nothing_else() -> None:
    reaching = [
        statement
        for statement in worker_statements(ARCHIVE_BUCKET)
        if EVIDENCE.startswith(tuple(prefixes_of(statement)))
    ]
    assert [actions(statement) for statement in reaching] == [{"s3:PutObject"}]


def test_a_worker_reaches_the_checkpoints_and_evidence_of_its_own_shard_only() -> None:
    reached = reached_by(worker_statements("${CheckpointBucket}/"))
    assert reached == {object_keys.checkpoint_prefix(0)}
    assert not object_keys.checkpoint(1, 1).startswith(tuple(reached))
    locked = reached_by(worker_statements(ARCHIVE_BUCKET))
    assert "evidence/0/" in locked
    assert not object_keys.evidence(1, 1).startswith(tuple(locked))


def test_no_principal_may_delete_evidence() -> None:
    """Object Lock keeps it too (test_template_archive.py); this also covers delete markers."""
    (policy,) = resources(ROOT / "infra" / "archive.yaml", "AWS::S3::BucketPolicy").values()
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    (stays,) = (one for one in found if one["Sid"] == "NothingIsDeleted")
    assert (stays["Effect"], stays["Principal"]) == ("Deny", {"AWS": "*"})
    assert actions(stays) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}
    assert {"Fn::Sub": "${ArchiveBucket.Arn}/evidence/*"} in stays["Resource"]
    assert EVIDENCE.startswith("evidence/")
    assert "Condition" not in stays


def test_evidence_never_expires() -> None:
    (bucket,) = resources(ROOT / "infra" / "archive.yaml", "AWS::S3::Bucket").values()
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert not [rule for rule in rules if any("Expir" in name for name in rule)]
