"""What a tenant has of its own: who may make and delete it, and what it is made from."""

from typing import Any

import pytest

from bursa.bootstrap.blueprints import (
    KEPT,
    POOL_EVENTS,
    SETTINGS_OF_POOLS,
    TEMPLATES,
    blueprints,
)
from bursa.kernel.identifiers import TenantId
from bursa.tenants.stacks import Blueprint, StackKind, key_aliases, stack_name
from bursa.tenants.stacks_cloudformation import CloudFormationStacks, StackOwner
from scripts.onboard.tenant_file import parse
from scripts.templates import BLUEPRINTS
from tests.contract.templates import (
    APPLICATION,
    BY_COMMAND,
    Json,
    everywhere,
    listed,
    resources,
    statements,
    template,
)
from tests.contract.test_template_permissions import ROLES, actions, tagged
from tests.unit.onboard.test_tenant_file import PLAIN

TENANT = TenantId(7)
ROLE = everywhere("AWS::IAM::Role")["tenants.yaml:TenantStackRole"]
OPENING, CLOSURE = ROLES["tenants.yaml:OpenPolicy"], ROLES["tenants.yaml:ClosePolicy"]
KEYS = BLUEPRINTS / "tenant-keys.yaml"


def granted(role: Json, service: str) -> set[str]:
    return {
        action
        for statement in statements(role)
        for action in actions(statement)
        if action.startswith(f"{service}:")
    }


def test_the_role_is_taken_by_cloudformation_in_this_account_and_by_nobody_else() -> None:
    (trust,) = ROLE["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_it_is_handed_to_cloudformation_by_who_opens_tenants_and_no_other_role_is() -> None:
    passed = [
        (name, statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if "iam:PassRole" in actions(statement) and name.startswith("tenants.yaml")
    ]
    ((name, statement),) = passed
    assert name == "tenants.yaml:OpenPolicy"
    assert statement["Resource"] == {"Fn::GetAtt": ["TenantStackRole", "Arn"]}
    assert statement["Condition"] == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }


@pytest.mark.parametrize("statement", [*statements(ROLE)], ids=lambda one: listed(one["Action"])[0])
def test_it_touches_only_what_is_tagged_or_named_as_a_tenants(statement: Json) -> None:
    if "secret:" in str(statement["Resource"]):
        assert str(statement["Resource"]["Fn::Sub"]).endswith(":secret:${NamePrefix}/oidc/*")
        return
    if statement.get("Sid") == "WhoseADomainIs":
        assert statement["Action"] == ["cognito-idp:DescribeUserPoolDomain"]
        return
    if "alias/" in str(statement["Resource"]):
        assert str(statement["Resource"]["Fn::Sub"]).endswith(":alias/${NamePrefix}-t*")
        return
    makes = {"cognito-idp:CreateUserPool", "kms:CreateKey"}
    tags = {"cognito-idp:TagResource", "kms:TagResource"}
    key = "aws:RequestTag" if actions(statement) <= makes | tags else "aws:ResourceTag"
    assert statement["Condition"] == tagged(key)


def test_it_can_neither_seal_nor_open_nor_read_users() -> None:
    """It administers what it makes."""
    used = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"}
    assert not used & granted(ROLE, "kms")
    assert not {one for one in granted(ROLE, "cognito-idp") if "Admin" in one or "Users" in one}
    services = {
        one.partition(":")[0] for statement in statements(ROLE) for one in actions(statement)
    }
    assert services == {"cognito-idp", "kms", "secretsmanager"}
    assert granted(ROLE, "secretsmanager") == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize("kind", StackKind)
@pytest.mark.parametrize("policy", [OPENING, CLOSURE], ids=["opening", "closure"])
def test_stacks_are_granted_by_the_names_that_they_get(policy: Json, kind: StackKind) -> None:
    patterns = {
        str(resource["Fn::Sub"]).partition(":stack/")[2]
        for statement in statements(policy)
        for resource in listed(statement["Resource"])
        if actions(statement) & {"cloudformation:CreateStack", "cloudformation:DeleteStack"}
    }
    assert patterns == {"${NamePrefix}-tenant-t*/*"}
    assert stack_name("${NamePrefix}", TENANT, kind).startswith("${NamePrefix}-tenant-t")


def test_who_closes_makes_nothing_and_deletes_keys_in_thirty_days_at_the_earliest() -> None:
    assert granted(CLOSURE, "cloudformation") == {
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
    }
    (keys,) = [one for one in statements(CLOSURE) if "kms:ScheduleKeyDeletion" in actions(one)]
    assert keys["Condition"] == {
        **tagged("aws:ResourceTag"),
        "NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": 30},
    }
    # On AWS nobody else may, and whoever opens tenants may not.
    assert "kms:ScheduleKeyDeletion" not in granted(OPENING, "kms")


class Recorder:
    """A client of CloudFormation that keeps what it was asked to make."""

    def __init__(self) -> None:
        self.asked: Json = {}

    def describe_stacks(self, **_: str) -> Json:
        status = "CREATE_COMPLETE" if self.asked else "DELETE_COMPLETE"
        return {"Stacks": [{"StackStatus": status, "Tags": self.asked.get("Tags", [])}]}

    def create_stack(self, **asked: Any) -> None:
        self.asked = asked


@pytest.mark.parametrize("kind", StackKind)
def test_a_stack_gets_the_parameters_that_its_template_has(kind: StackKind) -> None:
    path = BLUEPRINTS / TEMPLATES[kind]
    settings = dict.fromkeys(
        (*SETTINGS_OF_POOLS, POOL_EVENTS) if kind is StackKind.USERS else (), "x"
    )
    choices = parse(PLAIN, "brand.yaml").choices(kind)
    client: Any = Recorder()
    blueprint = Blueprint(path.read_text(), settings, KEPT[kind])
    stacks = CloudFormationStacks(client, StackOwner("bursa", "role"), {kind: blueprint})
    stacks.ensure(TENANT, kind, "brand", choices)
    given = {one["ParameterKey"] for one in client.asked["Parameters"]}
    assert given == set(template(path)["Parameters"])
    assert {one["Key"]: one["Value"] for one in client.asked["Tags"]}["bursa-tenant"] == "bursa/t7"
    # The size that CloudFormation takes without a bucket.
    assert len(client.asked["TemplateBody"].encode()) <= 51_200
    assert set(KEPT[kind]) <= set(resources(path))
    for name in KEPT[kind]:
        assert f"LogicalResourceId/{name}" in client.asked["StackPolicyBody"]


def test_no_template_uses_what_cloudformation_does_not_read() -> None:
    """Aliases of YAML."""
    for name in TEMPLATES.values():
        assert "*administration" not in (BLUEPRINTS / name).read_text()


def test_a_tenants_pool_has_the_settings_of_the_deployments_own() -> None:
    assert set(SETTINGS_OF_POOLS) <= set(template(APPLICATION)["Parameters"])
    given = resources(APPLICATION)["Identity"]["Properties"]["Parameters"]
    # Its name and whether users sign up are each tenant's own.
    assert set(given) == {"TenantName", "SignUp", POOL_EVENTS, *SETTINGS_OF_POOLS}


@pytest.mark.parametrize(("of_all", "own"), [("later", "true"), ("false", "false")])
def test_a_tenants_pool_does_not_wait_for_its_protection(of_all: str, own: str) -> None:
    client: Any = Described({"DeletionProtection": of_all})
    settings = blueprints(client, "bursa")[StackKind.USERS].parameters
    assert settings == {"DeletionProtection": own, POOL_EVENTS: "arn:function"}


class Described:
    """A CloudFormation with one stack."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self._parameters = parameters

    def describe_stacks(self, **_which: str) -> Json:
        given = [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in self._parameters.items()
        ]
        made = [{"OutputKey": POOL_EVENTS, "OutputValue": "arn:function"}]
        return {"Stacks": [{"Parameters": given, "Outputs": made}]}


def test_keys_are_known_by_the_aliases_that_they_get() -> None:
    made = {
        str(alias["Properties"]["AliasName"]["Fn::Sub"])
        for alias in resources(KEYS, "AWS::KMS::Alias").values()
    }
    assert made == {one.replace("t7", "${Tenant}") for one in key_aliases("${NamePrefix}", TENANT)}
    assert KEYS in BY_COMMAND


USE = {
    "DataKey": {"kms:EncryptionContext:tenant": {"Ref": "Tenant"}},
    "DocumentsKey": {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}},
}


@pytest.mark.parametrize("name", USE)
def test_a_key_is_used_for_its_own_tenant_by_roles_of_this_deployment(name: str) -> None:
    key = resources(KEYS)[name]["Properties"]
    administration, use, *others = key["KeyPolicy"]["Statement"]
    # AWS has no such account, and MiniStack knows no encryption context in a policy.
    elsewhere = {"StringEquals": {"aws:PrincipalAccount": "000000000000"}}
    assert [one["Condition"] for one in others] == [elsewhere] * (name == "DataKey")
    assert not {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"} & actions(administration)
    assert use["Condition"]["StringEquals"] == USE[name]
    assert list(use["Condition"]["ArnLike"]) == ["aws:PrincipalArn"]
    assert key["EnableKeyRotation"] is True
