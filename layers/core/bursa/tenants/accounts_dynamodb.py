"""Which account is whose, and the numbers of accounts: each once, and none left out.

A number is counted and given to a user in one transaction, so that whatever fails between, and
however many are opened at once, every number up to the last one has its user.

    <tenant>  counter#account  {value}: the last number that was given
    <tenant>  user#<subject>   {account, …}
"""

from typing import TYPE_CHECKING, Final

from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import OWNER_INDEX_MAX, AccountId, TenantId
from bursa.tenants.life import TenantState
from bursa.tenants.profile import SignUp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ACCOUNT_COUNTER: Final = "account"
# Of all that open an account at the same moment one is first; the others count on.
TRIES_MAX: Final = 25
_LATER: Final = frozenset({"None", "ConditionalCheckFailed", "TransactionConflict"})


class AccountNumbers:
    """The accounts of a deployment's users, in the directory table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def open(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account, which is a new one when there is none; safe to repeat.

        Raises `Unavailable` ``directory_unavailable``: too many were opened at the same moment.
        """
        account = self._open(tenant, subject, OWNER_INDEX_MAX, [])
        if account is None:
            raise _busy()
        return account

    def open_signed_up(self, tenant: TenantId, subject: str, most: int) -> AccountId | None:
        """Return the account of a user who has signed up; safe to repeat.

        None for a new one when the tenant has `most`, or does not let users sign up, or stands
        still: that is a condition of the transaction. Raises `Unavailable`
        ``directory_unavailable``.
        """
        return self._open(tenant, subject, min(most, OWNER_INDEX_MAX), [self._takes_users(tenant)])

    def _open(
        self,
        tenant: TenantId,
        subject: str,
        most: int,
        conditions: "list[TransactWriteItemTypeDef]",
    ) -> AccountId | None:
        for _ in range(TRIES_MAX):
            existing = self._read(tenant, keys.user(subject), "account", "S")
            if existing is not None:
                return AccountId.parse(existing)
            last = int(self._read(tenant, keys.counter(ACCOUNT_COUNTER), "value", "N") or 0)
            if last >= most:
                return None
            account = AccountId(tenant, last + 1)
            writes = [self._count(account), self._assign(account, subject), *conditions]
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as cancelled:
                reasons = [reason.get("Code", "") for reason in _reasons(cancelled)]
                if not _LATER.issuperset(reasons):
                    raise
                if "ConditionalCheckFailed" in reasons[len(writes) - len(conditions) :]:
                    return None
            else:
                return account
        raise _busy()

    def _read(self, tenant: TenantId, sort: str, attribute: str, kind: str) -> str | None:
        row = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": sort}},
            ConsistentRead=True,
            ProjectionExpression="#attribute",
            ExpressionAttributeNames={"#attribute": attribute},
        ).get("Item")
        return str(row[attribute][kind]) if row else None  # type: ignore[literal-required]

    def _count(self, account: AccountId) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": {
                    "pk": {"S": str(account.tenant)},
                    "sk": {"S": keys.counter(ACCOUNT_COUNTER)},
                },
                "UpdateExpression": "SET #value = :number",
                "ConditionExpression": "attribute_not_exists(#value) AND :before = :none "
                "OR #value = :before",
                "ExpressionAttributeNames": {"#value": "value"},
                "ExpressionAttributeValues": {
                    ":number": {"N": str(account.index)},
                    ":before": {"N": str(account.index - 1)},
                    ":none": {"N": "0"},
                },
            }
        }

    def _assign(self, account: AccountId, subject: str) -> "TransactWriteItemTypeDef":
        """Return an update, so that whoever may do this can replace no other row."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"pk": {"S": str(account.tenant)}, "sk": {"S": keys.user(subject)}},
                "UpdateExpression": "SET account = :account",
                "ConditionExpression": "attribute_not_exists(account)",
                "ExpressionAttributeValues": {":account": {"S": str(account)}},
            }
        }

    def _takes_users(self, tenant: TenantId) -> "TransactWriteItemTypeDef":
        """Return the condition that users may sign up; a row without a state is active."""
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": {"pk": {"S": str(tenant)}, "sk": {"S": keys.PROFILE}},
                "ConditionExpression": "sign_up = :open AND "
                "(attribute_not_exists(#state) OR #state = :active)",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": {
                    ":open": {"S": SignUp.OPEN.value},
                    ":active": {"S": TenantState.ACTIVE.value},
                },
            }
        }


def _reasons(cancelled: Exception) -> list[dict[str, str]]:
    response = getattr(cancelled, "response", {})
    reasons: list[dict[str, str]] = response.get("CancellationReasons", [])
    return reasons


def _busy() -> Unavailable:
    return Unavailable("directory_unavailable", "Send the same request again in a moment.")
