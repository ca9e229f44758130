"""Who may call the operator's API, and what stands behind it."""

from tests.contract.templates import ROOT, Json, listed, resources, statements

STACK = ROOT / "infra" / "operator-api.yaml"
RIGHTS = ROOT / "infra" / "operator.yaml"
ROLE = {"Fn::GetAtt": ["OperatorRole", "Arn"]}
NOT_ON_THE_EMULATOR = {"StringNotEquals": {"aws:PrincipalAccount": "000000000000"}}


def actions(role: Json) -> set[str]:
    return {action for one in statements(role) for action in listed(one["Action"])}


def test_every_method_asks_iam() -> None:
    methods = resources(STACK, "AWS::ApiGateway::Method")
    assert {body["Properties"]["HttpMethod"] for body in methods.values()} == {"GET", "POST"}
    for body in methods.values():
        assert body["Properties"]["AuthorizationType"] == "AWS_IAM"


def test_the_api_takes_one_role_and_refuses_all_others() -> None:
    policy = resources(STACK)["Api"]["Properties"]["Policy"]
    allow, deny = policy["Statement"]
    assert (allow["Effect"], allow["Principal"]) == ("Allow", {"AWS": ROLE})
    assert (deny["Effect"], deny["Principal"]) == ("Deny", {"AWS": "*"})
    assert (deny["Action"], deny["Resource"]) == ("execute-api:Invoke", "execute-api:/*")
    assert deny["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": ROLE}} | NOT_ON_THE_EMULATOR


def test_who_calls_it_may_call_it_and_fetch_exports_and_no_more() -> None:
    (policy,) = resources(STACK, "AWS::IAM::Policy").values()
    assert policy["Properties"]["Roles"] == [{"Ref": "OperatorRole"}]
    assert actions(policy) == {"execute-api:Invoke", "s3:GetObject"}


def test_what_answers_can_change_nothing_and_what_changes_sets_no_password() -> None:
    roles = resources(RIGHTS, "AWS::IAM::Role")
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    traces = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    assert actions(roles["OperatorApiRole"]) - logs - traces == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "states:DescribeExecution",
        "states:StartExecution",
    }
    assert not [one for one in actions(roles["OperatorJobsRole"]) if "Password" in one]


def test_jobs_are_tried_again_and_one_that_fails_rings() -> None:
    machine = resources(STACK)["Workflow"]["Properties"]
    (state,) = machine["Definition"]["States"].values()
    assert state["Retry"][0]["ErrorEquals"] == ["States.ALL"]
    assert state["Retry"][0]["MaxAttempts"] >= 3
    # What is asked for names people; it is in no log.
    assert "LoggingConfiguration" not in machine
    alarm = resources(STACK)["JobFailedAlarm"]["Properties"]
    assert alarm["MetricName"] == "ExecutionsFailed"
    assert alarm["Dimensions"][0]["Value"] == {"Ref": "Workflow"}


def test_exports_are_closed_to_others_and_forgotten() -> None:
    bucket = resources(RIGHTS)["ExportBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 7
