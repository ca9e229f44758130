"""The journal's second copy: nobody may change or delete it, and only the worker adds to it."""

from bursa.kernel import object_keys
from tests.contract.templates import (
    APPLICATION,
    ROOT,
    Json,
    everywhere,
    listed,
    resources,
    statements,
    template,
)

ARCHIVE = ROOT / "infra" / "archive.yaml"
AUDITED = object_keys.audited_end(0, 1)
SEGMENT, END, HEAD = (
    object_keys.archived_segment(0, 1),
    object_keys.archived_end(0, 1),
    object_keys.archived_head(0, 1),
)


DISOWNED = object_keys.disownment(0, HEAD)


def bucket() -> Json:
    (found,) = resources(ARCHIVE, "AWS::S3::Bucket").values()
    return found


def policy() -> dict[str, Json]:
    (found,) = resources(ARCHIVE, "AWS::S3::BucketPolicy").values()
    return {one["Sid"]: one for one in found["Properties"]["PolicyDocument"]["Statement"]}


def test_what_is_archived_is_locked_for_its_retention() -> None:
    lock = bucket()["Properties"]["ObjectLockConfiguration"]
    assert bucket()["Properties"]["ObjectLockEnabled"] is True
    assert bucket()["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert lock["Rule"]["DefaultRetention"] == {
        "Mode": "COMPLIANCE",
        "Days": {"Ref": "RetentionDays"},
    }
    assert template(APPLICATION)["Parameters"]["ArchiveRetentionDays"]["Default"] >= 365 * 7
    assert bucket()["DeletionPolicy"].startswith("Retain")
    assert set(bucket()["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_nothing_that_is_archived_expires() -> None:
    rules = bucket()["Properties"]["LifecycleConfiguration"]["Rules"]
    assert not [rule for rule in rules if any("Expiration" in name for name in rule)]


def test_nobody_may_delete_or_write_again_or_in_plain_text() -> None:
    denied = policy()
    assert all(one["Effect"] == "Deny" for one in denied.values())
    assert all(one["Principal"] == {"AWS": "*"} for one in denied.values())
    # The emulator has no TLS, and its account is none of AWS's.
    assert denied["OnlyOverTls"]["Condition"] == {
        "Bool": {"aws:SecureTransport": "false"},
        "StringNotEquals": {"aws:PrincipalAccount": "000000000000"},
    }
    assert set(denied["NothingIsDeleted"]["Action"]) == {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }
    assert "Condition" not in denied["NothingIsDeleted"]
    again = denied["OnlyOnConditionThatItIsNotThere"]
    assert again["Action"] == "s3:PutObject"
    assert again["Condition"]["Null"] == {"s3:if-none-match": "true"}
    for one in (denied["NothingIsDeleted"], again):
        prefixes = [
            resource["Fn::Sub"].partition("/")[2].removesuffix("*")
            for resource in listed(one["Resource"])
        ]
        assert all(key.startswith(prefixes[0]) for key in (SEGMENT, END, HEAD))


def test_the_worker_adds_to_its_own_shards_archive_and_nothing_else_does() -> None:
    found: dict[str, set[str]] = {}
    for name, role in everywhere("AWS::IAM::Role", "AWS::IAM::Policy").items():
        for statement in statements(role):
            if "${ArchiveBucket}/archive/" in str(statement["Resource"]):
                found.setdefault(name, set()).update(listed(statement["Action"]))
    assert found == {
        "worker-fleet.yaml:WorkerRole": {"s3:GetObject", "s3:PutObject"},
        "shard.yaml:JournalAuditPolicy": {"s3:GetObject", "s3:PutObject"},
        "shard.yaml:DisownmentPolicy": {"s3:GetObject", "s3:PutObject"},
        # The heads of audit logs, beside the shards (test_back_office.py).
        "back-office.yaml:AdminApiRole": {"s3:PutObject"},
        "operator.yaml:OperatorJobsRole": {"s3:PutObject"},
        "back-office.yaml:AuditReaderRole": {"s3:GetObject"},
        "kyc.yaml:KycRole": {"s3:PutObject"},
        "back-office.yaml:AuditCheckPolicy": {"s3:GetObject"},
    }
    role = everywhere("AWS::IAM::Role")["worker-fleet.yaml:WorkerRole"]
    prefixes = [
        resource["Fn::Sub"].partition("/")[2].removesuffix("*").replace("${ShardNumber}", "0")
        for statement in statements(role)
        if "${ArchiveBucket}/archive/" in str(statement["Resource"])
        for resource in listed(statement["Resource"])
    ]
    for key in (SEGMENT, END, HEAD):
        assert any(key.startswith(prefix) for prefix in prefixes)
    # How far the audit has come is not for the audited to say, nor what is forged; nor are other
    # shards' archives.
    for key in (AUDITED, DISOWNED, object_keys.archived_head(1, 1)):
        assert not any(key.startswith(prefix) for prefix in prefixes)


def reached(statement: Json) -> str:
    """Return the beginning of the archive's keys that a statement of shard 0 is about."""
    prefix = str(statement["Resource"]["Fn::Sub"]).partition("/")[2].removesuffix("*")
    return prefix.replace("${ShardNumber}", "0")


def test_the_audit_writes_neither_journal_nor_archive_but_how_far_it_got() -> None:
    policy = everywhere("AWS::IAM::Policy")["shard.yaml:JournalAuditPolicy"]
    role = everywhere("AWS::IAM::Role")["journal-permissions.yaml:JournalAuditRole"]
    granted = {
        action: statement
        for statement in (*statements(policy), *statements(role))
        for action in listed(statement["Action"])
    }
    assert set(granted) == {
        "dynamodb:Query", "s3:GetObject", "s3:ListBucket", "s3:PutObject",
        "logs:CreateLogStream", "logs:PutLogEvents",
    }  # fmt: skip
    reads, writes = reached(granted["s3:GetObject"]), reached(granted["s3:PutObject"])
    assert all(key.startswith(reads) for key in (SEGMENT, END, HEAD, AUDITED))
    assert [key for key in (SEGMENT, END, HEAD, AUDITED) if key.startswith(writes)] == [AUDITED]
    assert not object_keys.archived_head(1, 1).startswith(reads)


def test_only_a_person_disowns_with_a_second_factor_and_only_adds() -> None:
    denied = policy()["OnlyAPersonDisowns"]
    assert denied["Action"] == "s3:PutObject"
    assert denied["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["DisownmentRole", "Arn"]}},
        "StringNotEquals": {"aws:PrincipalAccount": "000000000000"},
    }
    begin, end = denied["Resource"]["Fn::Sub"].partition("/")[2].split("*")[:2]
    assert DISOWNED.startswith(begin)
    assert end in DISOWNED
    assert not any(end in key for key in (SEGMENT, END, HEAD, AUDITED))

    role = everywhere("AWS::IAM::Role")["archive.yaml:DisownmentRole"]
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    policies = everywhere("AWS::IAM::Policy")
    granted = {
        action: statement
        for one in (role, policies["shard.yaml:DisownmentPolicy"])
        for statement in statements(one)
        for action in listed(statement["Action"])
    }
    assert set(granted) == {
        "cloudformation:DescribeStacks", "dynamodb:Query",
        "s3:GetObject", "s3:ListBucket", "s3:PutObject",
    }  # fmt: skip
    writes = reached(granted["s3:PutObject"])
    assert [key for key in (SEGMENT, END, HEAD, AUDITED, DISOWNED) if key.startswith(writes)] == [
        DISOWNED
    ]


def test_the_audit_comes_by_itself_and_an_alarm_tells_when_it_does_not() -> None:
    function = resources(APPLICATION)["JournalAudit"]["Properties"]
    (event,) = function["Events"].values()
    assert event == {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}
    journal_alarms = ROOT / "infra" / "journal-alarms.yaml"
    alarms = {
        alarm["Properties"]["MetricName"]: alarm["Properties"]
        for alarm in resources(journal_alarms, "AWS::CloudWatch::Alarm").values()
        if {"Name": "service", "Value": "journal_audit"} in alarm["Properties"]["Dimensions"]
    }
    assert set(alarms) == {"ArchiveDiffers", "ArchiveVerified", "AuditLogBroken"}
    missing = alarms["ArchiveVerified"]
    assert missing["TreatMissingData"] == "breaching"
    assert (missing["ComparisonOperator"], missing["Threshold"]) == ("LessThanThreshold", 1)
    assert missing["Period"] * missing["EvaluationPeriods"] > 2 * 3_600
