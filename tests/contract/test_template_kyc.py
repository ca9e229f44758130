"""Who may do what with cases and documents; and what the workflow makes of a failure."""

from typing import Any

import pytest

from tests.contract.templates import (
    APPLICATION,
    BY_COMMAND,
    ROOT,
    TEMPLATES,
    Json,
    listed,
    resources,
    statements,
    template,
)

KYC = ROOT / "infra" / "kyc.yaml"
WORKFLOW = ROOT / "infra" / "kyc-workflow.yaml"
ROLES = resources(KYC, "AWS::IAM::Role")
TABLES = resources(KYC, "AWS::DynamoDB::Table")


def granted(role: str, about: str) -> set[str]:
    """Return what a role may do with a resource of the stack."""
    return {
        action
        for one in statements(ROLES[role])
        if about in str(one["Resource"])
        for action in listed(one["Action"])
    }


def test_nobody_deletes_or_changes_in_place_what_compliance_keeps() -> None:
    for role in ROLES:
        assert granted(role, "ComplianceTable") <= {
            "dynamodb:ConditionCheckItem",
            "dynamodb:DescribeStream",
            "dynamodb:GetItem",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "dynamodb:PutItem",
            "dynamodb:Query",
        }
        # One erases: a user's key, and their files (bursa.compliance.applications).
        erases = role == "KycTasksRole"
        assert granted(role, "UserKeysTable") <= {
            "dynamodb:GetItem",
            *(("dynamodb:DeleteItem",) if erases else ("dynamodb:PutItem",)),
        }
        assert granted(role, "DocumentsBucket") <= {
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListBucket",
            "s3:PutObject",
            *(("s3:DeleteObjectVersion", "s3:ListBucketVersions") if erases else ()),
        }


def test_rows_are_granted_by_their_tenant() -> None:
    for role in ROLES.values():
        for one in statements(role):
            if "ComplianceTable" in str(one["Resource"]) or "UserKeys" in str(one["Resource"]):
                if "dynamodb:GetRecords" in listed(one["Action"]):
                    continue
                held = one["Condition"]["ForAllValues:StringLike"]
                assert held == {"dynamodb:LeadingKeys": ["t*"]}


def test_who_takes_documents_reads_checked_versions_and_who_checks_them_takes_none() -> None:
    # By an address for people of compliance; a version is named by the check alone.
    assert granted("KycRole", "DocumentsBucket") == {"s3:PutObject", "s3:GetObjectVersion"}
    written = [
        one["Resource"]
        for one in statements(ROLES["KycTasksRole"])
        if "s3:PutObject" in listed(one["Action"])
    ]
    # How far everybody was compared with a list, and no list.
    assert written == [{"Fn::Sub": "${DocumentsBucket.Arn}/sanctions/*/rescreening.json"}]
    assert granted("KycChangesRole", "DocumentsBucket") == set()


def test_only_who_follows_cases_changes_levels_and_nothing_else_of_users() -> None:
    writers = {
        role: one
        for role in ROLES
        for one in statements(ROLES[role])
        if "DirectoryTable" in str(one["Resource"])
        and "dynamodb:UpdateItem" in listed(one["Action"])
    }
    assert list(writers) == ["KycChangesRole"]
    condition = writers["KycChangesRole"]["Condition"]
    assert condition["ForAllValues:StringEquals"]["dynamodb:Attributes"] == [
        "pk",
        "sk",
        "level",
        "level_version",
        "vouched_level",
    ]
    assert condition["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": ["t*"]}


def test_who_follows_cases_opens_nothing_that_is_sealed() -> None:
    assert not {
        action
        for one in statements(ROLES["KycChangesRole"])
        for action in listed(one["Action"])
        if action.startswith(("kms:", "s3:", "secretsmanager:"))
    }


def test_keys_are_used_where_a_tenants_stack_has_tagged_them() -> None:
    for role in ("KycRole", "KycTasksRole"):
        for one in statements(ROLES[role]):
            if "key/*" in str(one["Resource"]):
                tag = {"aws:ResourceTag/bursa-tenant": {"Fn::Sub": "${NamePrefix}/t*"}}
                assert one["Condition"] == {"StringLike": tag}


def test_cases_can_be_restored_and_users_keys_never() -> None:
    cases, user_keys = (TABLES[name] for name in ("ComplianceTable", "UserKeysTable"))
    recovery = {"PointInTimeRecoveryEnabled": True}
    assert cases["Properties"]["PointInTimeRecoverySpecification"] == recovery
    assert "PointInTimeRecoverySpecification" not in user_keys["Properties"]
    for table in (cases, user_keys):
        assert table["DeletionPolicy"] == "RetainExceptOnCreate"
        assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"] == {"Ref": "DataKeyArn"}


def test_a_document_names_its_key_and_goes_over_tls() -> None:
    (policy,) = resources(KYC, "AWS::S3::BucketPolicy").values()
    tls, key = policy["Properties"]["PolicyDocument"]["Statement"]
    elsewhere = {"StringNotEquals": {"aws:PrincipalAccount": "000000000000"}}
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} | elsewhere
    named = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    assert (key["Effect"], key["Action"]) == ("Deny", "s3:PutObject")
    assert key["Condition"] == {"Null": {named: "true"}} | elsewhere
    (bucket,) = resources(KYC, "AWS::S3::Bucket").values()
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


# --- the workflow ---------------------------------------------------------------------------------


def definition() -> Json:
    (machine,) = resources(WORKFLOW, "AWS::StepFunctions::StateMachine").values()
    found: Json = machine["Properties"]["Definition"]
    return found


STATES: dict[str, Any] = definition()["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_ends_in_time_is_tried_again_and_its_failure_goes_to_a_person(name: str) -> None:
    task = TASKS[name]
    assert task["TimeoutSeconds"] > 0
    assert task["Retry"][-1]["MaxAttempts"] >= 7
    if name == "HandOver":
        # Its own failure has an alarm, and time hands the case over.
        assert "Catch" not in task
        return
    assert task["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "HandOver"}
    ]


def test_every_task_is_one_of_the_function() -> None:
    source = (ROOT / "layers/core/bursa/compliance/workflow_tasks.py").read_text()
    for task in TASKS.values():
        asked = task["Parameters"]["Payload"]
        assert f'"{asked["task"]}": ' in source
        assert asked["reference.$"] == "$.reference"


def test_all_retries_of_the_checks_fit_the_hour_that_a_case_waits_for_them() -> None:
    """Otherwise time hands over what would still have been tried."""
    for name in ("CheckFiles", "Screen"):
        task, last = TASKS[name], TASKS[name]["Retry"][-1]
        waits = [
            last["IntervalSeconds"] * last["BackoffRate"] ** at for at in range(last["MaxAttempts"])
        ]
        # Each attempt may take its whole time but the function's own.
        assert sum(waits) + (last["MaxAttempts"] + 1) * task["TimeoutSeconds"] < 3_600


def test_every_state_is_reached_and_every_way_ends() -> None:
    reached, open_ = set(), [definition()["StartAt"]]
    while open_:
        name = open_.pop()
        if name in reached:
            continue
        reached.add(name)
        state = STATES[name]
        following = [state.get("Next"), state.get("Default")]
        following += [one["Next"] for one in state.get("Choices", [])]
        following += [one["Next"] for one in state.get("Catch", [])]
        following = [one for one in following if one]
        assert following or state["Type"] == "Succeed", name
        open_ += following
    assert reached == set(STATES)


def test_the_provider_is_waited_for_by_a_token() -> None:
    ask = STATES["AskProvider"]
    assert "lambda:invoke.waitForTaskToken" in str(ask["Resource"])
    assert ask["Parameters"]["Payload"]["token.$"] == "$$.Task.Token"
    # A time-out is no failure of the task, so it is not tried again.
    assert ask["Retry"][-1]["ErrorEquals"] == ["States.TaskFailed"]


def test_the_sandbox_decides_nowhere_unless_asked_for() -> None:
    parameters = resources(APPLICATION)["KycTasks"]["Properties"]["Environment"]["Variables"]
    assert parameters["KYC_SANDBOX"] == {"Ref": "KycSandbox"}
    assert template(APPLICATION)["Parameters"]["KycSandbox"]["Default"] == "false"


def test_no_template_says_where_a_provider_is() -> None:
    """Only a test on the emulator does, and only there it is taken."""
    files = [*TEMPLATES, *BY_COMMAND, ROOT / "samconfig.toml"]
    for file in files:
        text = file.read_text()
        assert "KYC_PROVIDER_URL" not in text, file
        assert "AWS_ENDPOINT_URL" not in text, file
