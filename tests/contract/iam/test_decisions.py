"""What IAM decides on the documents as they would be deployed, by a simulator of IAM."""

from collections.abc import Iterator

import pytest

from tests.contract.iam.documents import ATTRIBUTES, LEADING_KEYS
from tests.contract.iam.recording import Call, read_row, recorded, unseen
from tests.contract.iam.simulator import ANALYST, ANYONE, DEPLOYER, Decision, decide
from tests.contract.rendering import ACCOUNT, REGION, TENANT

CALLS = sorted(recorded() | set(unseen()))
ROLES = sorted({call.role for call in CALLS})
KEYS = ("t*", "0#*", "1#*", "shard#0", "shard#1", "shard#0#*", "host#*", "issuer#*", "deployment")
NO, NEVER, YES = Decision.NOT_ALLOWED, Decision.FORBIDDEN, Decision.ALLOWED

pytestmark = pytest.mark.xdist_group("iam")


def of_other_roles() -> Iterator[Call]:
    """Yield what others call, for each role that calls no such thing."""
    for role in ROLES:
        own = {(call.action, call.resource) for call in CALLS if call.role == role}
        for call in CALLS:
            if (call.action, call.resource) not in own:
                yield Call(role, call.action, call.resource, call.context)


def of_other_rows() -> Iterator[Call]:
    """Yield each call with each kind of key that its role does not read or write in this way."""
    for call in CALLS:
        if not call.seen(LEADING_KEYS):
            continue
        own = {key for one in _alike(call) for key in one.seen(LEADING_KEYS)}
        # There the functions of all shards leave word for each other.
        words = "shard#" if call.resource.endswith("ConnectionsTable") else None
        for key in KEYS:
            if key not in own and not (words and key.startswith(words)):
                # One row of another kind among its own is refused with them.
                yield _with(call, LEADING_KEYS, (*call.seen(LEADING_KEYS), key))


def of_other_attributes() -> Iterator[Call]:
    """Yield each call that is held to attributes with one more, and without a choice of them."""
    for call in CALLS:
        # What counts the tenants is no tenant's.
        if call.seen(ATTRIBUTES) and call.seen(LEADING_KEYS) != ("deployment",):
            yield _with(call, ATTRIBUTES, (*call.seen(ATTRIBUTES), "something_else"))
        if call.seen("dynamodb:Select"):
            yield _with(call, "dynamodb:Select", ("ALL_ATTRIBUTES",))
        elif call.action == "dynamodb:UpdateItem" and call.seen(ATTRIBUTES):
            yield _with(call, "dynamodb:ReturnValues", ("ALL_OLD",))


def _alike(call: Call) -> list[Call]:
    about = (call.role, call.action, call.resource)
    return [one for one in CALLS if (one.role, one.action, one.resource) == about]


def _with(call: Call, key: str, values: tuple[str, ...]) -> Call:
    context = {name: list(seen) for name, seen in call.context} | {key: list(values)}
    return Call.of(call.role, call.action, call.resource, context)


def row(role: str, action: str, resource: str, **context: str | list[str]) -> Call:
    """Return a request as a line of the recording states it."""
    listed = {key: [seen] if isinstance(seen, str) else seen for key, seen in context.items()}
    return read_row(role, action, {"resource": resource, **listed})


JOURNAL, DIRECTORY = "table/bursa-JournalTable", "table/bursa-DirectoryTable"
COMMANDS, FUNDS = "bursa-commands-0.fifo", "bursa-funds-0.fifo"
ARCHIVE, CHECKPOINTS = "bursa-ArchiveBucket/archive/0/", "bursa-CheckpointBucket/checkpoints/"
CREDENTIALS, DATA = "key/bursa-CredentialsKey", "key/bursa-DataKey"
POOL = "userpool/a-tenants"
TAG = "aws:ResourceTag/bursa-tenant"
TENANTS_KEY, STACKS_ROLE = f"key/bursa-{TENANT}-DataKey", "role/bursa-TenantStackRole"
WINDOW = {"ScheduleKeyDeletionPendingWindowInDays": "30"}
SHORT_WINDOW = {"ScheduleKeyDeletionPendingWindowInDays": "7"}
SOME_KEY = {"EncryptionContext:purpose": "api-key"}
BY_DYNAMODB = {"ViaService": f"dynamodb.{REGION}.amazonaws.com"}
BY_SQS = {"ViaService": f"sqs.{REGION}.amazonaws.com"}
BY_SECRETS = {"ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
TABLE, QUEUE = "EncryptionContext:aws:dynamodb:tableName", "EncryptionContext:aws:sqs:arn"
BY_CLOUDFORMATION = {"aws:CalledVia": "cloudformation.amazonaws.com"}
PLAIN = {"aws:SecureTransport": "false"}

# Who tries what, and what IAM says; `anyone` is a role of the account that may do everything.
ATTEMPTS = {
    "a worker changes a record": (
        NO,
        row("Worker", "dynamodb:UpdateItem", JOURNAL, LeadingKeys="0#*"),
    ),
    "a worker deletes a record": (
        NO,
        row("Worker", "dynamodb:DeleteItem", JOURNAL, LeadingKeys="0#*"),
    ),
    "a worker writes another shard's journal": (
        NO,
        row("Worker", "dynamodb:PutItem", JOURNAL, LeadingKeys="1#*"),
    ),
    "a worker takes another shard's lease": (
        NO,
        row("Worker", "dynamodb:PutItem", "table/bursa-ProgressTable", LeadingKeys="shard#1"),
    ),
    "a worker reads another shard's checkpoint": (
        NO,
        row("Worker", "s3:GetObject", f"{CHECKPOINTS}1/1"),
    ),
    "a worker says what the audit found": (
        NO,
        row("Worker", "s3:PutObject", f"{ARCHIVE}audited/1", **{"if-none-match": "*"}),
    ),
    "a worker writes over its archive": (NEVER, row("Worker", "s3:PutObject", f"{ARCHIVE}heads/1")),
    "a worker disowns what it has archived": (
        NEVER,
        row("Worker", "s3:PutObject", f"{ARCHIVE}disowned/heads/1", **{"if-none-match": "*"}),
    ),
    "anyone disowns what is archived": (
        NEVER,
        row(ANYONE, "s3:PutObject", f"{ARCHIVE}disowned/ends/1", **{"if-none-match": "*"}),
    ),
    "who disowns archives a head": (
        NO,
        row("Disownment", "s3:PutObject", f"{ARCHIVE}heads/1", **{"if-none-match": "*"}),
    ),
    "anyone deletes from the archive": (
        NEVER,
        row(ANYONE, "s3:DeleteObject", f"{ARCHIVE}segments/1"),
    ),
    "anyone deletes evidence": (
        NEVER,
        row(ANYONE, "s3:DeleteObjectVersion", "bursa-ArchiveBucket/evidence/0/1"),
    ),
    "anyone reads the archive in plain text": (
        NEVER,
        row(ANYONE, "s3:GetObject", f"{ARCHIVE}heads/1", **PLAIN),
    ),
    "anyone reads a checkpoint in plain text": (
        NEVER,
        row(ANYONE, "s3:GetObject", f"{CHECKPOINTS}0/1", **PLAIN),
    ),
    "the audit writes the journal": (
        NO,
        row("JournalAudit", "dynamodb:PutItem", JOURNAL, LeadingKeys="0#*"),
    ),
    "the audit writes the archive": (
        NO,
        row("JournalAudit", "s3:PutObject", f"{ARCHIVE}heads/1", **{"if-none-match": "*"}),
    ),
    "the audit lists another shard's archive": (
        NO,
        row("JournalAudit", "s3:ListBucket", "bursa-ArchiveBucket", prefix="archive/1/heads/"),
    ),
    "the audit lists all": (NO, row("JournalAudit", "s3:ListBucket", "bursa-ArchiveBucket")),
    "the projector writes the journal": (
        NO,
        row("Projector", "dynamodb:PutItem", JOURNAL, LeadingKeys="0#*"),
    ),
    "the trading API sends money": (NEVER, row("TradingApi", "sqs:SendMessage", FUNDS)),
    "who moves money sends orders": (NEVER, row("Funds", "sqs:SendMessage", COMMANDS)),
    "anyone sends orders": (NEVER, row(ANYONE, "sqs:SendMessage", COMMANDS)),
    "anyone sends money": (NEVER, row(ANYONE, "sqs:SendMessage", FUNDS)),
    "the trading API sends in plain text": (
        NEVER,
        row("TradingApi", "sqs:SendMessage", COMMANDS, **PLAIN),
    ),
    "the trading API reads the queue": (NO, row("TradingApi", "sqs:ReceiveMessage", COMMANDS)),
    "the trading API opens an authenticator": (
        NO,
        row(
            "TradingApi",
            "kms:Decrypt",
            CREDENTIALS,
            **{"EncryptionContext:purpose": "second-factor"},
        ),
    ),
    "the trading API seals": (NO, row("TradingApi", "kms:Encrypt", CREDENTIALS, **SOME_KEY)),
    "the feeds open an API key": (NO, row("Feeds", "kms:Decrypt", CREDENTIALS, **SOME_KEY)),
    "anyone opens an API key": (NO, row(ANYONE, "kms:Decrypt", CREDENTIALS, **SOME_KEY)),
    "the trading API gives a key more scopes": (
        NO,
        row(
            "TradingApi",
            "dynamodb:UpdateItem",
            "table/bursa-IdentityTable",
            LeadingKeys="t*",
            Attributes=["pk", "sk", "scopes"],
        ),
    ),
    "the identity API moves a user to another account": (
        NO,
        row(
            "IdentityApi",
            "dynamodb:UpdateItem",
            DIRECTORY,
            LeadingKeys="t*",
            Attributes=["account", "pk", "sk"],
        ),
    ),
    "the authorizer resumes a tenant": (
        NO,
        row(
            "Authorizer",
            "dynamodb:UpdateItem",
            DIRECTORY,
            LeadingKeys="t*",
            Attributes=["pk", "sk", "state"],
        ),
    ),
    "the authorizer replaces a tenant's profile": (
        NO,
        row("Authorizer", "dynamodb:PutItem", DIRECTORY, LeadingKeys="t*"),
    ),
    "the authorizer issues a ticket": (
        NO,
        row("Authorizer", "dynamodb:PutItem", "table/bursa-TicketsTable", LeadingKeys="t*"),
    ),
    "the market API reads a user": (
        NO,
        row(
            "MarketApi",
            "dynamodb:GetItem",
            DIRECTORY,
            LeadingKeys="t*",
            Attributes=["account", "pk", "sk"],
            Select="SPECIFIC_ATTRIBUTES",
        ),
    ),
    "who closes tenants deletes another deployment's pool": (
        NO,
        row("Closure", "cognito-idp:DeleteUserPool", POOL, **{TAG: "other/t7"}),
    ),
    "who closes tenants deletes the shared pool": (
        NO,
        row("Closure", "cognito-idp:DeleteUserPool", "userpool/bursa-UserPool"),
    ),
    "who closes tenants deletes another deployment's key": (
        NO,
        row("Closure", "kms:ScheduleKeyDeletion", TENANTS_KEY, **WINDOW, **{TAG: "other/t7"}),
    ),
    "who closes tenants deletes the journal's key": (
        NO,
        row("Closure", "kms:ScheduleKeyDeletion", DATA, **WINDOW),
    ),
    "who closes tenants deletes a key within a week": (
        NO,
        row("Closure", "kms:ScheduleKeyDeletion", TENANTS_KEY, **SHORT_WINDOW, **{TAG: "bursa/t7"}),
    ),
    "who opens tenants hands the stacks' role to a function": (
        NO,
        row("Funds", "iam:PassRole", STACKS_ROLE, PassedToService="lambda.amazonaws.com"),
    ),
    "who opens tenants hands it to CloudFormation": (
        YES,
        row("Funds", "iam:PassRole", STACKS_ROLE, PassedToService="cloudformation.amazonaws.com"),
    ),
    "who opens tenants updates the deployment": (
        NO,
        row("Funds", "cloudformation:UpdateStack", "stack/bursa/1"),
    ),
    "the stacks' role opens personal data": (
        NO,
        row("TenantStack", "kms:Decrypt", TENANTS_KEY, **{TAG: "bursa/t7"}),
    ),
    "the stacks' role reads a tenant's users": (
        NO,
        row("TenantStack", "cognito-idp:ListUsers", POOL, **{TAG: "bursa/t7"}),
    ),
    "the stacks' role changes the shared pool": (
        NO,
        row("TenantStack", "cognito-idp:UpdateUserPool", "userpool/bursa-UserPool"),
    ),
    "who tells users reads another deployment's users": (
        NO,
        row("Notify", "cognito-idp:AdminGetUser", POOL, **{TAG: "other/t7"}),
    ),
    "who tells users changes what it has told": (
        NO,
        row("Notify", "dynamodb:DeleteItem", "table/bursa-NoticesTable", LeadingKeys="t*"),
    ),
    "who tells users takes a pause of withdrawals away": (
        NO,
        row("Notify", "dynamodb:UpdateItem", "table/bursa-IdentityTable", LeadingKeys="t*"),
    ),
    "who lists notices writes one": (
        NO,
        row("IdentityApi", "dynamodb:PutItem", "table/bursa-NoticesTable", LeadingKeys="t*"),
    ),
    "anyone puts a message for users into the queue": (
        NEVER,
        row(ANYONE, "sqs:SendMessage", "bursa-NoticesQueue"),
    ),
    "the feeds read a row by DynamoDB": (
        YES,
        row("Feeds", "kms:Decrypt", DATA, **BY_DYNAMODB, **{TABLE: "bursa-OrdersTable"}),
    ),
    "the feeds use the data key by themselves": (NO, row("Feeds", "kms:Decrypt", DATA)),
    "the feeds use the data key by another service": (
        NO,
        row("Feeds", "kms:Decrypt", DATA, **BY_SECRETS),
    ),
    "the feeds read another deployment's table": (
        NO,
        row("Feeds", "kms:Decrypt", DATA, **BY_DYNAMODB, **{TABLE: "other-OrdersTable"}),
    ),
    "the trading API sends to another deployment's queue": (
        NO,
        row(
            "TradingApi",
            "kms:GenerateDataKey",
            DATA,
            **BY_SQS,
            **{QUEUE: f"arn:aws:sqs:{REGION}:{ACCOUNT}:other-commands-0.fifo"},
        ),
    ),
    "anyone reads a row": (NO, row(ANYONE, "kms:Decrypt", DATA, **BY_DYNAMODB)),
    "who is named reads a row": (YES, row(ANALYST, "kms:Decrypt", DATA, **BY_DYNAMODB)),
    "who deploys reads a row": (NO, row(DEPLOYER, "kms:Decrypt", DATA, **BY_DYNAMODB)),
    "who deploys has CloudFormation make a table": (
        YES,
        row(DEPLOYER, "kms:Decrypt", DATA, **BY_DYNAMODB, **BY_CLOUDFORMATION),
    ),
}


@pytest.fixture(scope="module")
def decisions() -> dict[Call, Decision]:
    """Return what IAM decides on all requests of this module, asked at once."""
    attempts = [call for _, call in ATTEMPTS.values()]
    return decide([*CALLS, *of_other_roles(), *of_other_rows(), *of_other_attributes(), *attempts])


def test_every_call_is_allowed(decisions: dict[Call, Decision]) -> None:
    refused = [call for call in CALLS if decisions[call] is not Decision.ALLOWED]
    assert not refused


def test_no_role_may_call_what_only_others_call(decisions: dict[Call, Decision]) -> None:
    requests = list(of_other_roles())
    assert len(requests) > 1_000
    assert not [call for call in requests if decisions[call] is Decision.ALLOWED]


def test_no_role_reaches_other_rows(decisions: dict[Call, Decision]) -> None:
    requests = list(of_other_rows())
    assert len(requests) > 500
    assert not [call for call in requests if decisions[call] is Decision.ALLOWED]


def test_no_role_reaches_other_attributes(decisions: dict[Call, Decision]) -> None:
    requests = list(of_other_attributes())
    assert len(requests) > 10
    assert not [call for call in requests if decisions[call] is Decision.ALLOWED]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_is_tried_is_decided_so(attempt: str, decisions: dict[Call, Decision]) -> None:
    expected, call = ATTEMPTS[attempt]
    assert decisions[call] is expected
