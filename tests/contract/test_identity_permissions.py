"""Who may end sessions, issue and take tickets, and close connections."""

from tests.contract.templates import ROOT, listed, resources, statements
from tests.contract.test_directory_permissions import (
    HEARS_OF_USERS,
    MAY_END_SESSIONS,
    MAY_OPEN_ACCOUNTS,
)
from tests.contract.test_template_permissions import ROLES, actions, condition_of, mentions


def test_one_role_changes_three_attributes_of_the_directory() -> None:
    [statement] = [
        one
        for one in statements(ROLES[MAY_END_SESSIONS])
        if mentions(one, "${DirectoryTable}") and "dynamodb:UpdateItem" in actions(one)
    ]
    assert actions(statement) == {"dynamodb:UpdateItem"}
    assert condition_of(statement, "dynamodb:LeadingKeys") == ["t*"]
    attributes = condition_of(statement, "dynamodb:Attributes")
    assert attributes == ["pk", "sk", "signed_out_at", "ended_sessions", "closed_at_ms"]
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


def test_who_hears_of_users_ends_sessions_and_changes_neither_keys_nor_factors() -> None:
    changed = {
        str(next(iter(one["Resource"].values()))).rpartition("/")[2]: condition_of(
            one, "dynamodb:Attributes"
        )
        for one in statements(ROLES[HEARS_OF_USERS])
        if "dynamodb:UpdateItem" in actions(one) and not mentions(one, "${ConnectionsTable}")
    }
    assert changed == {
        "${DirectoryTable}": ["pk", "sk", "signed_out_at"],
        "${IdentityTable}": [
            "pk",
            "sk",
            "subject",
            "linked_at_ms",
            "unlinked_at_ms",
            "allowed_until_ms",
            "until_ms",
            "why",
        ],
    }


def test_identities_are_linked_by_one_role_and_unlinked_by_two() -> None:
    def roles(action: str) -> set[str]:
        return {
            name
            for name, role in ROLES.items()
            for one in statements(role)
            if action in actions(one)
        }

    wiring = "pool-events.yaml:DeploymentsPoolPolicy"
    hears = {HEARS_OF_USERS, wiring}
    assert roles("cognito-idp:AdminLinkProviderForUser") == hears
    assert roles("cognito-idp:AdminDisableProviderForUser") == hears | {MAY_END_SESSIONS}


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
    feeds, back_office = "journal-permissions.yaml:FeedsRole", "back-office.yaml:AdminApiRole"
    roles = (feeds, "permissions.yaml:IdentityApiRole", HEARS_OF_USERS, back_office)
    expected = {role: ["DELETE", "POST"] for role in roles}
    # It asks whether an account's oldest connections are still there, when there is no room.
    expected["permissions.yaml:WebSocketRole"] = ["DELETE", "GET", "POST"]
    expected["visitors.yaml:PublicWebSocketRole"] = ["DELETE", "GET", "POST"]
    # On both APIs.
    expected[feeds] = ["DELETE", "DELETE", "POST", "POST"]
    assert verbs == expected


CREDENTIALS = ROOT / "infra" / "credentials.yaml"


def test_secrets_are_sealed_and_opened_by_the_roles_that_are_named() -> None:
    (key,) = resources(CREDENTIALS, "AWS::KMS::Key").values()
    found = {one["Sid"]: one for one in key["Properties"]["KeyPolicy"]["Statement"]}
    using = {sid: actions(one) for sid, one in found.items() if "kms:Decrypt" in actions(one)}
    assert using == {
        "SealAndOpen": {"kms:Decrypt", "kms:Encrypt"},
        "OpenSecretsOfApiKeys": {"kms:Decrypt"},
        "OpenSecretsOfAuthenticators": {"kms:Decrypt"},
        "OpenThemForTheBinanceDialect": {"kms:Decrypt"},
    }
    assert found["SealAndOpen"]["Principal"] == {"AWS": {"Ref": "IdentityApiRole"}}
    for sid, role, purpose in (
        ("OpenSecretsOfApiKeys", "TradingApiRole", "api-key"),
        ("OpenSecretsOfAuthenticators", "AdminApiRole", "second-factor"),
        ("OpenThemForTheBinanceDialect", "BinanceApiRole", "api-key"),
    ):
        assert found[sid]["Principal"] == {"AWS": {"Ref": role}}
        # The emulator knows no such condition; what is sealed always says what for.
        assert found[sid]["Condition"] == {
            "StringEqualsIfExists": {"kms:EncryptionContext:purpose": purpose}
        }
    # Who opens what a tenant's own key has sealed is in test_template_kyc.
    granted = {
        name
        for name, role in ROLES.items()
        for one in statements(role)
        if "kms:Decrypt" in actions(one)
    }
    assert granted == {"kyc.yaml:KycRole", "kyc.yaml:KycTasksRole"}


BINANCE = "binance-role.yaml:BinanceApiRole"


OF_DELETED = "notifications.yaml:OfDeletedTenants"


def test_who_exports_and_deletes_tenants_reads_no_secret_of_their_users() -> None:
    reads = [
        condition_of(one, "dynamodb:Attributes")
        for one in statements(ROLES[OF_DELETED])
        if mentions(one, "${IdentityTable}") and "dynamodb:Query" in actions(one)
    ]
    assert reads == [["pk", "sk", "kind", "account", "user", "at_ms", "address", "about"]]
    tasks = [
        condition_of(one, "dynamodb:Attributes")
        for one in statements(ROLES["kyc.yaml:KycTasksRole"])
        if mentions(one, "${IdentityTable}")
    ]
    assert tasks == [["pk", "sk", "book", "version"]]


def test_who_may_do_what_with_api_keys() -> None:
    use: dict[str, set[str]] = {}
    for name, role in ROLES.items():
        for statement in statements(role):
            if mentions(statement, "${IdentityTable}"):
                use[name] = use.get(name, set()) | actions(statement)
    writes = {"DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}
    assert use == {
        # It notes sessions and tells of new devices; what it may write is below.
        MAY_OPEN_ACCOUNTS: {f"dynamodb:{name}" for name in ("GetItem", "PutItem", "UpdateItem")},
        MAY_END_SESSIONS: {f"dynamodb:{name}" for name in writes},
        "permissions.yaml:TradingApiRole": {"dynamodb:UpdateItem"},
        "permissions.yaml:WebSocketRole": {"dynamodb:GetItem"},
        # How many keys an account has, and when one was used that transfers.
        "sub-accounts.yaml:SubAccountsRole": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        # It finds a key as the authorizer does, and notes its use as TradingApi does.
        BINANCE: {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        # It reads second factors, and revokes keys with an event that the user sees.
        "back-office.yaml:AdminApiRole": {f"dynamodb:{name}" for name in writes - {"DeleteItem"}},
        # It links providers' sign-ins and tells of what changed; what it may write is below.
        HEARS_OF_USERS: {f"dynamodb:{name}" for name in writes - {"DeleteItem"}},
        # Whether somebody of compliance has a second factor.
        "kyc.yaml:KycRole": {"dynamodb:GetItem"},
        # In which language a user is told.
        "notifications.yaml:NotifyRole": {"dynamodb:GetItem"},
        # It empties the book of a user who is erased, and can write nothing else.
        "kyc.yaml:KycTasksRole": {"dynamodb:UpdateItem"},
        # Of whoever exports and deletes tenants: security events are read, and no secret.
        OF_DELETED: {"dynamodb:DeleteItem", "dynamodb:Query"},
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
    noted = {
        action: condition_of(statement, "dynamodb:Attributes")
        for statement in statements(ROLES[MAY_OPEN_ACCOUNTS])
        if mentions(statement, "${IdentityTable}")
        for action in actions(statement)
    }
    # None of them makes a key, or changes one or a second factor.
    assert noted == {
        "dynamodb:GetItem": [],
        "dynamodb:PutItem": [
            *("pk", "sk", "kind", "account", "user", "at_ms", "address", "about", "expires_at")
        ],
        "dynamodb:UpdateItem": ["pk", "sk", "book", "version", "until_ms", "why"],
    }
    nonces = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if mentions(statement, "${NoncesTable}")
    }
    once = {"dynamodb:PutItem"}
    transfers = "sub-accounts.yaml:SubAccountsRole"
    verify = (MAY_END_SESSIONS, "permissions.yaml:TradingApiRole", BINANCE, transfers)
    assert nonces == dict.fromkeys(verify, once)
