"""Who reads and changes the directory, by rows and attributes: the documents themselves."""

from tests.contract.templates import statements
from tests.contract.test_template_permissions import (
    OF_PERSONS,
    ROLES,
    actions,
    condition_of,
    mentions,
)

PUBLIC_SIDE_OF_A_TENANT = (
    ["t*"],
    [
        *("pk", "sk", "shard", "state", "name", "issuer", "client_ids", "limits"),
        *("sign_in_ends_at_ms", "delete_after_ms", "branding", "origins"),
        "sign_up",
    ],
)
ALL_ROWS = ["deployment", "host#*", "issuer#*", "t*"]
NUMBERS_AND_TENANTS = ["deployment", "t*"]
SHARD_AND_LIMITS = (["t*"], ["pk", "sk", "shard", "limits", "kyc"])
RULES_OF_CASES = (["t*"], ["pk", "sk", "kyc"])
HOW_MANY_TENANTS = (["deployment"], None)
SUB_ACCOUNTS = (["t*"], ["pk", "sk", "seats", "seats_version"])
TENANT_OF_A_HOST = (["host#*"], ["pk", "sk", "tenant"])
STANDING = ("account", "is_disabled", "signed_out_at", "level", "vouched_level")
SESSIONS = ("ended_sessions", "closed_at_ms", "own_limits")
SESSIONS_OF_A_USER = (["t*"], ["pk", "sk", *STANDING, *SESSIONS])
NAME_OF_A_TENANT_AND_SESSIONS = (
    ["t*"],
    [
        "pk",
        "sk",
        "origins",
        "name",
        "branding",
        "issuer",
        "withdrawal_pause_s",
        *SESSIONS_OF_A_USER[1][2:],
        *SUB_ACCOUNTS[1][2:],
    ],
)
LIMITS_AND_SUB_ACCOUNTS = (["t*"], [*SHARD_AND_LIMITS[1], *SUB_ACCOUNTS[1][2:]])
KEYS_TENANT_AND_USER = (
    ["t*"],
    [
        *("pk", "sk", "shard", "name", "issuer", "client_ids", "limits", "state"),
        *("sign_in_ends_at_ms", "delete_after_ms", "origins", "sign_up", "kyc"),
        *(*SESSIONS_OF_A_USER[1][2:], *SUB_ACCOUNTS[1][2:]),
    ],
)
FEES = ["fee_schedule", "fees", "pinned_tier"]
LISTED = ["number", "scale", "lot_units", "tick_units", "lister"]
STAFF_READS = [
    *("pk", "sk", "shard", "name", "issuer", "client_ids", "limits", "state", "sign_in_ends_at_ms"),
    *("delete_after_ms", "origins", "sign_up", "account", "is_disabled", "signed_out_at"),
    *("kyc", "level", "vouched_level", *SESSIONS, "seats", "seats_version"),
    *FEES,
    *LISTED,
]
DIRECTORY: dict[str, list[tuple[list[str], list[str] | None]]] = {
    "back-office.yaml:AdminApiRole": [(["t*"], STAFF_READS)],
    "back-office.yaml:AuditReaderRole": [(["deployment"], None)],
    "binance-role.yaml:BinanceApiRole": [TENANT_OF_A_HOST, KEYS_TENANT_AND_USER],
    "fee-tiers.yaml:FeeTiersRole": [
        (["deployment"], ["pk", "sk", "value"]),
        (
            ["t*"],
            [
                *("pk", "sk", "value", "shard", "state", "limits", "kyc", "seats"),
                *("seats_version", "fee_schedule", "fee_run", *FEES[1:]),
            ],
        ),
    ],
    "kyc.yaml:KycRole": [LIMITS_AND_SUB_ACCOUNTS],
    "kyc.yaml:KycTasksRole": [RULES_OF_CASES, HOW_MANY_TENANTS],
    "operator.yaml:OperatorApiRole": [(NUMBERS_AND_TENANTS, None), (["t*"], None)],
    "operator.yaml:OperatorJobsRole": [
        (ALL_ROWS, None),
        (ALL_ROWS, None),
        (NUMBERS_AND_TENANTS, None),
        (["t*"], None),
    ],
    "permissions.yaml:AuthorizerRole": [(["issuer#*", "t*"], None)],
    "permissions.yaml:ClosureRole": [
        (NUMBERS_AND_TENANTS, None),
        (ALL_ROWS, None),
        (["t*"], None),
    ],
    "permissions.yaml:FundsRole": [
        (ALL_ROWS, None),
        (NUMBERS_AND_TENANTS, None),
        (["t*"], None),
    ],
    "permissions.yaml:IdentityApiRole": [
        SHARD_AND_LIMITS,
        NAME_OF_A_TENANT_AND_SESSIONS,
        TENANT_OF_A_HOST,
    ],
    "notifications.yaml:NotifyRole": [
        (["t*"], [*SESSIONS_OF_A_USER[1], *PUBLIC_SIDE_OF_A_TENANT[1][2:]]),
    ],
    "pool-events-role.yaml:PoolEventsRole": [(["deployment", "issuer#*", "t*"], None)],
    "permissions.yaml:MarketApiRole": [TENANT_OF_A_HOST, PUBLIC_SIDE_OF_A_TENANT],
    "permissions.yaml:TradingApiRole": [(["t*"], [*LIMITS_AND_SUB_ACCOUNTS[1], *FEES])],
    "sub-accounts.yaml:SubAccountsRole": [
        SHARD_AND_LIMITS,
        TENANT_OF_A_HOST,
        (["t*"], ["pk", "sk", "origins"]),
        SUB_ACCOUNTS,
    ],
    "permissions.yaml:WebSocketRole": [SHARD_AND_LIMITS, SESSIONS_OF_A_USER],
    "visitors.yaml:PublicWebSocketRole": [
        TENANT_OF_A_HOST,
        (["t*"], [*SHARD_AND_LIMITS[1], "state", "origins"]),
    ],
}
# Carries out what a person with a second factor asks for (docs/adr/0075).
OPENS_AND_CLOSES_TENANTS = "operator.yaml:OperatorJobsRole"
READS_TENANTS = "operator.yaml:OperatorApiRole"
MAY_END_SESSIONS = "permissions.yaml:IdentityApiRole"
MAY_OPEN_ACCOUNTS = "permissions.yaml:AuthorizerRole"
HEARS_OF_USERS = "pool-events-role.yaml:PoolEventsRole"
# Those are in test_identity_permissions.
CHANGES_OF_THE_DIRECTORY = {
    ("back-office.yaml:AdminApiRole", "dynamodb:UpdateItem"),
    (MAY_END_SESSIONS, "dynamodb:UpdateItem"),
    (MAY_OPEN_ACCOUNTS, "dynamodb:UpdateItem"),
    (MAY_OPEN_ACCOUNTS, "dynamodb:ConditionCheckItem"),
    # In test_template_kyc.
    ("kyc.yaml:KycChangesRole", "dynamodb:UpdateItem"),
    ("sub-accounts.yaml:SubAccountsRole", "dynamodb:UpdateItem"),
    (HEARS_OF_USERS, "dynamodb:UpdateItem"),
    ("fee-tiers.yaml:FeeTiersRole", "dynamodb:UpdateItem"),
}


def test_the_directory_is_read_only_as_far_as_needed() -> None:
    readers: dict[str, list[tuple[list[str], list[str] | None]]] = {}
    for name, role in ROLES.items():
        for statement in statements(role):
            if not mentions(statement, "${DirectoryTable}"):
                continue
            if (name, *actions(statement)) in CHANGES_OF_THE_DIRECTORY:
                continue
            # Whoever opens and closes tenants writes them; no other function does.
            if name == READS_TENANTS:
                assert actions(statement) <= {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
            elif name not in {*OF_PERSONS, OPENS_AND_CLOSES_TENANTS}:
                assert actions(statement) == {"dynamodb:GetItem"}
            attributes = condition_of(statement, "dynamodb:Attributes")
            if attributes:
                # Without it, a read that names no attributes would return all of them.
                select = statement["Condition"]["StringEquals"]["dynamodb:Select"]
                assert select == "SPECIFIC_ATTRIBUTES"
            rows = condition_of(statement, "dynamodb:LeadingKeys")
            readers.setdefault(name, []).append((rows, attributes or None))
    assert readers == DIRECTORY
