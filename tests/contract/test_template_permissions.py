"""Who may do what. No emulator knows all conditions, so the documents themselves are tested."""

import re
from typing import Any

import pytest

from bursa.tenants.stacks import MADE_FOR_TENANT
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

SHARD = ROOT / "infra" / "shard.yaml"
STORAGE = ROOT / "infra" / "storage.yaml"
# X-Ray, sessions and key policies have no resource to name: see the comments in the templates.
WITHOUT_RESOURCES = {
    # Whose a name of sign-in pages is.
    "cognito-idp:DescribeUserPoolDomain",
    "cloudwatch:GetMetricData",
    # Of Lambda, which puts a function into a network.
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "events:ListRules",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "s3:ListAllMyBuckets",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "states:SendTaskSuccess",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# What does not exist yet has no name, but a tag.
MAKES = {"cognito-idp:CreateUserPool", "kms:CreateKey"}
ROLES = everywhere("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
MAY_WRITE_THE_JOURNAL = {"worker-fleet.yaml:WorkerRole"}


def actions(statement: Json) -> set[str]:
    return set(listed(statement["Action"]))


def tagged(key: str) -> Json:
    """Return the condition that something is a tenant's own, of this deployment."""
    return {"StringLike": {f"{key}/{MADE_FOR_TENANT}": {"Fn::Sub": "${NamePrefix}/t*"}}}


def mentions(statement: Json, what: str) -> bool:
    return what in str(statement["Resource"])


@pytest.mark.parametrize("name", ROLES)
def test_every_action_is_named(name: str) -> None:
    wild = [
        action
        for statement in statements(ROLES[name])
        for action in actions(statement)
        if "*" in action
    ]
    assert not wild


@pytest.mark.parametrize("name", ROLES)
def test_every_resource_is_named(name: str) -> None:
    for statement in statements(ROLES[name]):
        if actions(statement) <= WITHOUT_RESOURCES:
            continue
        if actions(statement) <= MAKES:
            assert statement["Condition"] == tagged("aws:RequestTag")
            continue
        for resource in listed(statement["Resource"]):
            text = next(iter(resource.values())) if isinstance(resource, dict) else resource
            assert not re.fullmatch(r"\*|arn:[^/]*:\*", str(text)), statement


@pytest.mark.parametrize("name", ROLES)
def test_nothing_is_granted_by_negation(name: str) -> None:
    for statement in statements(ROLES[name]):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement)


# With what else they need.
IN_A_STACK_OF_ITS_OWN = (
    {"AdminApi": "BackOffice", "BinanceApi": "BinanceAccess", "SubAccounts": "SubAccountsAccess"}
    | {"PoolEvents": "PoolEventsAccess"}
    | {"FeeTiers": "FeeTiersAccess", "Notify": "Notifications", "PublicWebSocket": "Visitors"}
    | dict.fromkeys(("Kyc", "KycTasks", "KycChanges"), "KycStorage")
    | dict.fromkeys(("OperatorApi", "OperatorJobs"), "Operator")
    | dict.fromkeys(("Projector", "Feeds", "JournalAudit"), "JournalAccess")
)


def test_every_function_has_a_role_of_its_own() -> None:
    functions = resources(APPLICATION, "AWS::Serverless::Function")
    roles = [str(body["Properties"]["Role"]) for body in functions.values()]
    assert len(set(roles)) == len(functions) > 1
    for name, role in zip(functions, roles, strict=True):
        made_by = IN_A_STACK_OF_ITS_OWN.get(name, "Permissions")
        assert f"{made_by}', 'Outputs.{name}Role" in role


def test_no_function_brings_policies_besides_its_role() -> None:
    for body in resources(APPLICATION, "AWS::Serverless::Function").values():
        assert "Policies" not in body["Properties"]


def test_managed_policies_are_our_own_but_one() -> None:
    foreign = sorted(
        str(arn).rpartition("/")[2].rstrip("'}")
        for role in everywhere("AWS::IAM::Role").values()
        for arn in role["Properties"].get("ManagedPolicyArns", [])
        if "iam::aws" in str(arn)
    )
    assert foreign == ["AmazonAPIGatewayPushToCloudWatchLogs"]


def test_only_the_worker_may_add_to_the_journal_and_none_may_change_it() -> None:
    for name, role in ROLES.items():
        for statement in statements(role):
            if mentions(statement, "${JournalTable}"):
                granted = actions(statement)
                assert not granted & {
                    "dynamodb:BatchWriteItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:UpdateItem",
                }
                assert ("dynamodb:PutItem" in granted) == (name in MAY_WRITE_THE_JOURNAL)


TENANT_TABLES = (
    "Replies",
    "Balances",
    "Budgets",
    "Connections",
    "Fills",
    "Identity",
    "Markets",
    "Nonces",
    "Orders",
    "Tickets",
    "Trades",
)
LEADING_KEYS = {f"${{{table}Table}}": "t*" for table in TENANT_TABLES} | {
    "${JournalTable}": {"Fn::Sub": "${ShardNumber}#*"},
    "${ProgressTable}": {"Fn::Sub": "shard#${ShardNumber}"},
}

# Rows in which the functions of all shards leave word for each other.
# And what visitors use, which the function that serves them may count, and no account's.
ALSO_GRANTED = {"${ConnectionsTable}": "shard#*", "${BudgetsTable}": "t*@*"}


def condition_of(statement: Json, key: str) -> list[Any]:
    """Return the values that a condition key is held to; it must be required of every value."""
    return [
        value
        for operator, condition in statement.get("Condition", {}).items()
        if operator in {"ForAllValues:StringEquals", "ForAllValues:StringLike"}
        for value in condition.get(key, [])
    ]


@pytest.mark.parametrize("table", LEADING_KEYS)
def test_rows_are_granted_by_their_leading_key(table: str) -> None:
    found = 0
    for role in ROLES.values():
        for statement in statements(role):
            if mentions(statement, table):
                (held_to,) = condition_of(statement, "dynamodb:LeadingKeys")
                assert held_to in (LEADING_KEYS[table], ALSO_GRANTED.get(table))
                found += 1
    assert found


def test_a_shards_rows_are_granted_by_the_shards_own_stack() -> None:
    for name, role in ROLES.items():
        for statement in statements(role):
            if mentions(statement, "${JournalTable}") or mentions(statement, "${ProgressTable}"):
                assert name.startswith(("shard.yaml:", "worker-fleet.yaml:"))


# The two dialects do the same things with a shard.
SEND_ORDERS = ["TradingApiRole", "BinanceApiRole"]


def test_a_shards_policies_have_their_own_names_and_roles() -> None:
    """A second shard's policies are added to the first one's and do not replace them."""
    policies = resources(SHARD, "AWS::IAM::Policy")
    for name, policy in policies.items():
        properties = policy["Properties"]
        assert properties["PolicyName"] == {"Fn::Sub": "shard-${ShardNumber}"}
        roles = (
            SEND_ORDERS if name == "TradingApiPolicy" else [name.removesuffix("Policy") + "Role"]
        )
        assert properties["Roles"] == [{"Ref": role} for role in roles]
    assert policies


# Whose rows of the directory, and which attributes of them; None for all.
OF_PERSONS = (
    "back-office.yaml:AuditReaderRole",
    "operator-api.yaml:OperatorRole",
    "permissions.yaml:ClosureRole",
    "permissions.yaml:FundsRole",
)

SENDS = {"sqs:GetQueueAttributes", "sqs:SendMessage"}
RECEIVES = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"}


@pytest.mark.parametrize(
    ("queue", "senders"),
    [
        ("CommandQueue", ["shard.yaml:TradingApiPolicy"]),
        (
            "FundsQueue",
            [
                "shard.yaml:AdminApiPolicy",
                "shard.yaml:FeeTiersPolicy",
                "shard.yaml:FundsPolicy",
                "shard.yaml:OperatorJobsPolicy",
            ],
        ),
        ("TransfersQueue", ["shard.yaml:SubAccountsPolicy"]),
    ],
)
def test_each_queue_has_its_senders_and_the_worker_receives(queue: str, senders: list[str]) -> None:
    named = ({"Ref": f"{queue}Arn"}, {"Fn::GetAtt": ["Queues", f"Outputs.{queue}Arn"]})
    use = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if any(resource in named for resource in listed(statement["Resource"]))
    }
    assert use == dict.fromkeys(senders, SENDS) | {"worker-fleet.yaml:WorkerRole": RECEIVES}


QUEUES = ROOT / "infra" / "queues.yaml"
# AWS has no such account. MiniStack knows no pseudo parameters in a template's conditions.
NOT_ON_THE_EMULATOR = {"StringNotEquals": {"aws:PrincipalAccount": "000000000000"}}


@pytest.mark.parametrize(
    ("queue", "roles"),
    [
        ("CommandQueue", SEND_ORDERS),
        ("FundsQueue", ["FundsRole", "AdminApiRole", "OperatorJobsRole", "FeeTiersRole"]),
        ("TransfersQueue", ["SubAccountsRole"]),
    ],
)
def test_a_queue_takes_messages_of_its_roles_and_over_tls_only(
    queue: str, roles: list[str]
) -> None:
    policy = resources(QUEUES, "AWS::SQS::QueuePolicy")[f"{queue}Policy"]
    assert policy["Properties"]["Queues"] == [{"Ref": queue}]
    tls, sender = statements(policy)
    for statement in (tls, sender):
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert statement["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert (tls["Action"], tls["Condition"]) == (
        "sqs:*",
        {"Bool": {"aws:SecureTransport": "false"}} | NOT_ON_THE_EMULATOR,
    )
    # The action is that of SendMessageBatch too.
    assert actions(sender) == {"sqs:SendMessage"}
    principal = sender["Condition"]["ArnNotEquals"]
    assert sender["Condition"] == {"ArnNotEquals": principal} | NOT_ON_THE_EMULATOR
    named = [one["Fn::Sub"] for one in listed(principal["aws:PrincipalArn"])]
    assert [text.rpartition(":role/")[2] for text in named] == [f"${{{role}}}" for role in roles]


@pytest.mark.parametrize("name", OF_PERSONS)
def test_a_persons_role_takes_a_second_factor_and_is_no_functions(name: str) -> None:
    role = everywhere("AWS::IAM::Role")[name]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {
        "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    }
    assert trust["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    for function in resources(APPLICATION, "AWS::Serverless::Function").values():
        assert name.partition(":")[2] not in str(function["Properties"]["Role"])


def test_only_pools_that_were_made_for_a_tenant_may_be_deleted() -> None:
    deleting = [
        statement
        for role in ROLES.values()
        for statement in statements(role)
        if "cognito-idp:DeleteUserPool" in actions(statement)
    ]
    assert len(deleting) == 3
    for statement in deleting:
        assert statement["Condition"] == tagged("aws:ResourceTag")


def key_statements() -> dict[str, Json]:
    key = everywhere("AWS::KMS::Key")["storage.yaml:DataKey"]
    found = key["Properties"]["KeyPolicy"]["Statement"]
    plain = [one["Fn::If"][1] if "Fn::If" in one else one for one in found]
    return {statement["Sid"]: statement for statement in plain}


ROLES_OF_THIS_DEPLOYMENT = {
    "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${NamePrefix}-*"
}


def test_the_data_key_is_used_by_this_deployment_and_who_is_named() -> None:
    """Beside the tables' grants, which are AWS's own, each statement says by whom."""
    found = key_statements()
    roles = found["UseByTheRolesOfThisDeployment"]["Condition"]
    assert roles["ArnLike"] == {"aws:PrincipalArn": ROLES_OF_THIS_DEPLOYMENT}
    context = roles["StringLikeIfExists"]
    assert all("${NamePrefix}-*" in value["Fn::Sub"] for value in context.values())
    assert set(context) == {
        "kms:EncryptionContext:aws:dynamodb:tableName",
        "kms:EncryptionContext:aws:sqs:arn",
    }
    deployer = found["UseByCloudFormation"]["Condition"]
    assert deployer["ForAnyValue:StringEquals"] == {"aws:CalledVia": "cloudformation.amazonaws.com"}
    named = found["UseByNamedPrincipals"]["Condition"]
    assert named["ArnLike"] == {"aws:PrincipalArn": {"Ref": "KeyUsers"}}
    using = {sid for sid, one in found.items() if "kms:Decrypt" in actions(one)}
    assert using == {
        "UseByTheRolesOfThisDeployment",
        "UseByCloudFormation",
        "UseByNamedPrincipals",
        "AlarmsToTheEncryptedTopic",
    }


def test_nobody_is_named_unless_asked_for() -> None:
    assert template(APPLICATION)["Parameters"]["KeyUsers"]["Default"] == ""
    key = everywhere("AWS::KMS::Key")["storage.yaml:DataKey"]
    found = [one for one in key["Properties"]["KeyPolicy"]["Statement"] if "Fn::If" in one]
    assert [one["Fn::If"][0] for one in found] == ["HasKeyUsers"]


def test_the_data_key_is_used_only_through_services_and_by_this_account() -> None:
    open_to_all = [
        statement
        for statement in key_statements().values()
        if statement["Principal"] == {"AWS": "*"}
    ]
    assert len(open_to_all) == 4
    for statement in open_to_all:
        equal = statement["Condition"]["StringEquals"]
        assert equal["kms:CallerAccount"] == {"Ref": "AWS::AccountId"}
        services = {
            str(name["Fn::Sub"]).partition(".")[0] for name in listed(equal["kms:ViaService"])
        }
        assert services <= {"dynamodb", "s3", "sns", "sqs"}


# What each service needs of a caller's key (its own documentation on encryption at rest).
NEEDED = {
    "sending to an encrypted queue": {"kms:Decrypt", "kms:GenerateDataKey"},
    "receiving from it": {"kms:Decrypt"},
    "writing and reading a table": {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    },
    "putting and getting a checkpoint": {"kms:Decrypt", "kms:GenerateDataKey"},
}


@pytest.mark.parametrize("use", NEEDED)
def test_a_role_that_may_use_the_data_may_use_its_key(use: str) -> None:
    assert NEEDED[use] <= actions(key_statements()["UseByTheRolesOfThisDeployment"])
    assert key_statements()["TablesKeepAGrant"]["Condition"]["Bool"] == {
        "kms:GrantIsForAWSResource": "true"
    }


def test_alarms_reach_the_encrypted_topic() -> None:
    statement = key_statements()["AlarmsToTheEncryptedTopic"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert actions(statement) == {"kms:Decrypt", "kms:GenerateDataKey"}
