"""The audit table of back offices: who may add to it, and that nobody changes or removes."""

from tests.contract.templates import (
    APPLICATION,
    ROOT,
    Json,
    everywhere,
    listed,
    resources,
    statements,
)
from tests.contract.test_template_permissions import ROLES, actions

TEMPLATE = ROOT / "infra" / "back-office.yaml"
TABLE = resources(TEMPLATE)["AuditTable"]
ARN = {"Fn::GetAtt": ["AuditTable", "Arn"]}
WRITES = {
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
    "dynamodb:UpdateTimeToLive",
}


def granted() -> dict[str, set[str]]:
    """Return what each role may do with the audit table."""
    found: dict[str, set[str]] = {}
    for name, role in ROLES.items():
        for statement in statements(role):
            named = listed(statement["Resource"])
            if ARN in named or "AuditTable" in str(named):
                found.setdefault(name, set()).update(actions(statement))
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                assert keys == ["t*"]
    return found


def test_three_roles_add_and_none_changes_or_removes() -> None:
    adding = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}
    assert granted() == {
        "back-office.yaml:AdminApiRole": adding,
        "operator.yaml:OperatorJobsRole": adding,
        "back-office.yaml:AuditReaderRole": {"dynamodb:Query"},
        # What compliance does with cases (docs/adr/0070).
        "kyc.yaml:KycRole": adding,
        "back-office.yaml:AuditCheckPolicy": {"dynamodb:Query"},
    }


def test_the_table_itself_denies_it_to_everybody() -> None:
    first, second = TABLE["Properties"]["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert (first["Effect"], first["Principal"]) == ("Deny", {"AWS": "*"})
    assert set(first["Action"]) == WRITES
    assert "Condition" not in first
    condition, deletion, _ = second["Fn::If"]
    assert condition == "IsProtected"
    assert deletion["Action"] == "dynamodb:DeleteTable"


def test_the_table_is_kept_encrypted_and_can_be_restored() -> None:
    properties: Json = TABLE["Properties"]
    assert TABLE["DeletionPolicy"] == "RetainExceptOnCreate"
    assert TABLE["UpdateReplacePolicy"] == "Retain"
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Ref": "DataKeyArn"}


def test_heads_are_written_by_who_adds_and_read_by_another_where_nothing_is_deleted() -> None:
    use = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if "/archive/audit/*" in str(statement["Resource"])
    }
    assert use == {
        "back-office.yaml:AdminApiRole": {"s3:PutObject"},
        "operator.yaml:OperatorJobsRole": {"s3:PutObject"},
        "back-office.yaml:AuditReaderRole": {"s3:GetObject"},
        "kyc.yaml:KycRole": {"s3:PutObject"},
        "back-office.yaml:AuditCheckPolicy": {"s3:GetObject"},
    }
    (bucket,) = everywhere("AWS::S3::BucketPolicy").keys() & {"archive.yaml:ArchiveBucketPolicy"}
    denied = {one["Sid"]: one for one in statements(everywhere("AWS::S3::BucketPolicy")[bucket])}
    for sid in ("NothingIsDeleted", "OnlyOnConditionThatItIsNotThere"):
        assert "${ArchiveBucket.Arn}/archive/*" in str(denied[sid]["Resource"])


def test_the_back_office_has_a_small_share_of_what_the_gateway_takes() -> None:
    (api,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    rates = {
        one["HttpMethod"]: one["ThrottlingRateLimit"]
        for one in api["Properties"]["MethodSettings"]
        if one["ResourcePath"] == "/~1admin~1{proxy+}"
    }
    assert rates == {"GET": 20, "POST": 20, "OPTIONS": 20}
