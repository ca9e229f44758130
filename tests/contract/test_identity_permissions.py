"""Who may end sessions, issue and take tickets, and close connections."""

from tests.contract.templates import ROOT, listed, resources, statements
from tests.contract.test_template_permissions import (
    MAY_END_SESSIONS,
    MAY_OPEN_ACCOUNTS,
    ROLES,
    actions,
    condition_of,
    mentions,
)


def test_one_role_changes_one_attribute_of_the_directory() -> None:
    [statement] = [
        one
        for one in statements(ROLES[MAY_END_SESSIONS])
        if mentions(one, "${DirectoryTable}") and "dynamodb:UpdateItem" in actions(one)
    ]
    assert actions(statement) == {"dynamodb:UpdateItem"}
    assert condition_of(statement, "dynamodb:LeadingKeys") == ["t*"]
    attributes = condition_of(statement, "dynamodb:Attributes")
    assert attributes == ["pk", "sk", "signed_out_at"]
    returned = statement["Condition"]["StringEqualsIfExists"]
    assert returned == {"dynamodb:ReturnValues": "NONE"}


def test_accounts_are_opened_by_an_update_of_two_attributes() -> None:
    """The role could else change a tenant's issuer, which is a row of the same partition."""
    found = {
        action: statement
        for statement in statements(ROLES[MAY_OPEN_ACCOUNTS])
        for action in actions(statement)
        if mentions(statement, "${DirectoryTable}") and action != "dynamodb:GetItem"
    }
    attributes = {
        action: condition_of(statement, "dynamodb:Attributes")
        for action, statement in found.items()
    }
    assert attributes == {
        "dynamodb:UpdateItem": ["pk", "sk", "account", "value"],
        "dynamodb:ConditionCheckItem": ["pk", "sk", "sign_up", "state"],
    }
    for statement in found.values():
        assert condition_of(statement, "dynamodb:LeadingKeys") == ["t*"]
    returned = found["dynamodb:UpdateItem"]["Condition"]["StringEqualsIfExists"]
    assert returned == {"dynamodb:ReturnValues": "NONE"}


def test_a_ticket_is_written_by_one_role_and_taken_by_another() -> None:
    use = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if mentions(statement, "${TicketsTable}")
    }
    assert use == {
        "permissions.yaml:AuthorizerRole": {"dynamodb:DeleteItem"},
        MAY_END_SESSIONS: {"dynamodb:PutItem"},
    }


def test_who_sends_to_connections_may_close_them() -> None:
    verbs = {
        name: sorted(text.split("/v1/")[1].split("/")[0] for text in map(str, arns))
        for name, role in ROLES.items()
        for statement in statements(role)
        if actions(statement) == {"execute-api:ManageConnections"}
        for arns in [listed(statement["Resource"])]
    }
    roles = ("FeedsRole", "IdentityApiRole", "WebSocketRole")
    expected = {f"permissions.yaml:{role}": ["DELETE", "POST"] for role in roles}
    expected["back-office.yaml:AdminApiRole"] = ["DELETE", "POST"]
    # It asks whether an account's oldest connections are still there, when there is no room.
    expected["permissions.yaml:WebSocketRole"] = ["DELETE", "GET", "POST"]
    assert verbs == expected


CREDENTIALS = ROOT / "infra" / "credentials.yaml"


def test_secrets_are_sealed_and_opened_by_the_roles_that_are_named() -> None:
    (key,) = resources(CREDENTIALS, "AWS::KMS::Key").values()
    found = {one["Sid"]: one for one in key["Properties"]["KeyPolicy"]["Statement"]}
    using = {sid: actions(one) for sid, one in found.items() if "kms:Decrypt" in actions(one)}
    assert using == {
        "SealAndOpen": {"kms:Decrypt", "kms:Encrypt"},
        "OpenSecretsOfApiKeys": {"kms:Decrypt"},
    }
    assert found["SealAndOpen"]["Principal"] == {"AWS": {"Ref": "IdentityApiRole"}}
    opens = found["OpenSecretsOfApiKeys"]
    assert opens["Principal"] == {"AWS": {"Ref": "TradingApiRole"}}
    # The emulator knows no such condition; what is sealed always says what for.
    assert opens["Condition"] == {
        "StringEqualsIfExists": {"kms:EncryptionContext:purpose": "api-key"}
    }
    # Who opens what a tenant's own key has sealed is in test_template_kyc.
    granted = {
        name
        for name, role in ROLES.items()
        for one in statements(role)
        if "kms:Decrypt" in actions(one)
    }
    assert granted == {"kyc.yaml:KycRole", "kyc.yaml:KycTasksRole"}


def test_who_may_do_what_with_api_keys() -> None:
    use = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if mentions(statement, "${IdentityTable}")
    }
    writes = {"DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}
    assert use == {
        "permissions.yaml:AuthorizerRole": {"dynamodb:GetItem"},
        MAY_END_SESSIONS: {f"dynamodb:{name}" for name in writes},
        "permissions.yaml:TradingApiRole": {"dynamodb:UpdateItem"},
        "permissions.yaml:WebSocketRole": {"dynamodb:GetItem"},
        # It reads second factors, and revokes keys with an event that the user sees.
        "back-office.yaml:AdminApiRole": {f"dynamodb:{name}" for name in writes - {"DeleteItem"}},
    }
    held = {
        name: condition_of(statement, "dynamodb:Attributes")
        for name in ("permissions.yaml:TradingApiRole", "permissions.yaml:WebSocketRole")
        for statement in statements(ROLES[name])
        if mentions(statement, "${IdentityTable}")
    }
    assert held == {
        "permissions.yaml:TradingApiRole": ["pk", "sk", "used_at_ms", "used_from"],
        "permissions.yaml:WebSocketRole": ["pk", "sk", "expires_at_ms", "revoked_at_ms"],
    }
    nonces = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if mentions(statement, "${NoncesTable}")
    }
    once = {"dynamodb:PutItem"}
    assert nonces == {MAY_END_SESSIONS: once, "permissions.yaml:TradingApiRole": once}
