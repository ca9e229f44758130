"""Which sub-accounts a user has: one row in the directory, replaced version by version.

    <tenant>  sub-accounts#<index of the main account>  {seats (JSON), seats_version}

Its attributes are no other row's, so whoever may write these alone can change no user, no number
and no setting.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bursa.accounts.dynamodb import BalancesTable
from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LATER = ("directory_unavailable", "Send the same request again in a moment.")


class SubAccountsTable:
    """Sub-accounts in the directory table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def read(self, owner: AccountId) -> SubAccountList:
        """Return a user's sub-accounts, the latest."""
        with unavailable(*_LATER):
            row = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": str(owner.tenant)}, "sk": {"S": keys.sub_accounts(owner)}},
                ConsistentRead=True,
                ProjectionExpression="seats, seats_version",
            ).get("Item")
        if row is None:
            return SubAccountList({}, 0)
        seats = seats_from(owner, row["seats"]["S"])
        return SubAccountList(
            {one.account.seat: one for one in seats}, int(row["seats_version"]["N"])
        )

    def replace(self, owner: AccountId, changed: SubAccountList) -> bool:
        """Write them as the version after; return whether theirs is still the latest."""
        stored = [_stored(one) for _, one in sorted(changed.by_seat.items())]
        first = "attribute_not_exists(seats_version)" if not changed.version else None
        values: dict[str, Any] = {
            ":seats": {"S": json.dumps(stored)},
            ":next": {"N": str(changed.version + 1)},
        }
        if not first:
            values[":version"] = {"N": str(changed.version)}
        with unavailable(*_LATER):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": str(owner.tenant)}, "sk": {"S": keys.sub_accounts(owner)}},
                    UpdateExpression="SET seats = :seats, seats_version = :next",
                    ConditionExpression=first or "seats_version = :version",
                    ExpressionAttributeValues=values,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True


class HeldAmounts:
    """What orders of a user's accounts hold, as the read model has it."""

    def __init__(self, sub_accounts: SubAccountsTable, balances: BalancesTable) -> None:
        self._sub_accounts = sub_accounts
        self._balances = balances

    def held(self, owner: AccountId) -> Iterator[tuple[AccountId, str, int]]:
        """Yield which accounts hold what, assets and units; reads each account's balances."""
        subs = self._sub_accounts.read(owner).by_seat.values()
        for account in (owner, *(one.account for one in subs)):
            for row in self._balances.all(account):
                if row.held:
                    yield account, row.asset, row.held


class AccountHoldings:
    """What accounts have, as the read model has it."""

    def __init__(self, balances: BalancesTable) -> None:
        self._balances = balances

    def has_any(self, account: AccountId) -> bool:
        """Return whether any balance is not zero."""
        return any(row.available or row.held for row in self._balances.all(account))


class ActiveKeys:
    """How many API keys accounts have, in the identity table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def active_keys(self, account: AccountId) -> int:
        """Return how many of an account's keys are not revoked."""
        with unavailable("identity_unavailable", "Send the same again in a moment."):
            row = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": str(account)}, "sk": {"S": keys.API_KEY_COUNT}},
                ConsistentRead=True,
                ProjectionExpression="active",
            ).get("Item")
        return int(row["active"]["N"]) if row else 0


def seats_from(owner: AccountId, stored: str) -> list[SubAccount]:
    """Return the sub-accounts in a row's text."""
    return [
        SubAccount(
            owner.sub_account(one["seat"]),
            one["label"],
            one["opened_at_ms"],
            one["closed_at_ms"],
            one["request"],
            one["asked_label"],
        )
        for one in json.loads(stored)
    ]


def _stored(one: SubAccount) -> dict[str, Any]:
    return {
        "seat": one.account.seat,
        "label": one.label,
        "opened_at_ms": one.opened_at_ms,
        "closed_at_ms": one.closed_at_ms,
        "request": one.request,
        "asked_label": one.asked_label,
    }
