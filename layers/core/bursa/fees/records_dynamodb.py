"""What is kept of fee tiers, in the directory table, each with attributes of its own.

    <tenant>  fee-schedule         {fee_schedule (JSON)}
    <tenant>  fee-run              {fee_run (JSON)}: how far today's run is
    <tenant>  fees#<index of the main account>
                                   {fees (JSON), pinned_tier, pinned_at_ms}

So who may pin a tier can change no volume, and who counts can pin none.
"""

import json
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.fees.daily_run import RunProgress, progress_from
from bursa.fees.schedule import FeeSchedule, schedule_as_stored, schedule_from
from bursa.fees.user_fees import UserFees, fees_as_stored, fees_from
from bursa.kernel import keys
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_LATER = ("directory_unavailable", "Send the same request again in a moment.")
_OVERTAKEN = ("overtaken", "The tiers were set again since: ask anew.")
_ACCOUNT_COUNTER, _TENANT_COUNTER = "account", "tenant"


class FeeRecords:
    """The records of all tenants of a deployment."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        """Return a tenant's schedule; None for one whose users all have the same tier."""
        row = self._row(tenant, keys.FEE_SCHEDULE, "fee_schedule")
        return None if row is None else schedule_from(json.loads(row["fee_schedule"]["S"]))

    def write_schedule(self, tenant: TenantId, schedule: FeeSchedule) -> None:
        """Replace a tenant's schedule, unless a later one is there; safe to repeat."""
        row = self._row(tenant, keys.FEE_SCHEDULE, "fee_schedule")
        values = {":text": {"S": json.dumps(schedule_as_stored(schedule))}}
        condition = "attribute_not_exists(fee_schedule)"
        if row is not None:
            if schedule_from(json.loads(row["fee_schedule"]["S"])).since_ms > schedule.since_ms:
                raise Conflict(*_OVERTAKEN)
            values[":before"] = row["fee_schedule"]
            condition = "fee_schedule = :before"
        if not self._set(
            tenant, keys.FEE_SCHEDULE, "SET fee_schedule = :text", values, condition=condition
        ):
            raise Conflict(*_OVERTAKEN)

    def user(self, owner: AccountId) -> UserFees:
        """Return what is kept of a user, the latest."""
        row = self._row(owner.tenant, keys.fees_of_user(owner), "fees", "pinned_tier") or {}
        pinned = row.get("pinned_tier")
        return fees_from(
            json.loads(row["fees"]["S"]) if "fees" in row else {},
            None if pinned is None else int(pinned["N"]),
        )

    def write_user(self, owner: AccountId, fees: UserFees) -> None:
        """Write all but the pinned tier; safe to repeat."""
        text = {":fees": {"S": json.dumps(fees_as_stored(fees))}}
        self._set(owner.tenant, keys.fees_of_user(owner), "SET fees = :fees", text)

    def pin(self, owner: AccountId, tier: int | None, at_ms: int) -> None:
        """Write which tier a user has whatever it trades, or that its volume says it.

        ``at_ms`` is when that was asked for. Raises `Conflict` ``overtaken``: something that was
        asked for later is written already.
        """
        values = {":at": {"N": str(at_ms)}}
        if tier is None:
            expression = "SET pinned_at_ms = :at REMOVE pinned_tier"
        else:
            expression = "SET pinned_at_ms = :at, pinned_tier = :tier"
            values[":tier"] = {"N": str(tier)}
        condition = "attribute_not_exists(pinned_at_ms) OR pinned_at_ms <= :at"
        sort = keys.fees_of_user(owner)
        if not self._set(owner.tenant, sort, expression, values, condition=condition):
            raise Conflict("overtaken", "The tier was pinned again since: ask anew.")

    def progress(self, tenant: TenantId) -> RunProgress:
        """Return how far the last run is."""
        row = self._row(tenant, keys.FEE_RUN, "fee_run")
        return RunProgress() if row is None else progress_from(json.loads(row["fee_run"]["S"]))

    def write_progress(self, tenant: TenantId, progress: RunProgress) -> None:
        """Write how far a run is."""
        text = json.dumps(progress._asdict())
        self._set(tenant, keys.FEE_RUN, "SET fee_run = :text", {":text": {"S": text}})

    def tenants_numbered(self) -> int:
        """Return the highest number that a tenant was given so far."""
        return self._counted(keys.DEPLOYMENT, _TENANT_COUNTER)

    def users_numbered(self, tenant: TenantId) -> int:
        """Return the highest number that a user's main account was given so far."""
        return self._counted(str(tenant), _ACCOUNT_COUNTER)

    def _counted(self, partition: str, counter: str) -> int:
        with unavailable(*_LATER):
            row = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": partition}, "sk": {"S": keys.counter(counter)}},
                ConsistentRead=True,
                # The word is DynamoDB's own.
                ProjectionExpression="#value",
                ExpressionAttributeNames={"#value": "value"},
            ).get("Item")
        return int(row["value"]["N"]) if row else 0

    def _row(self, tenant: TenantId, sort: str, *names: str) -> dict[str, Any] | None:
        with unavailable(*_LATER):
            return self._client.get_item(
                TableName=self._table,
                Key=_key(tenant, sort),
                ConsistentRead=True,
                ProjectionExpression=", ".join(names),
            ).get("Item")

    def _set(
        self,
        tenant: TenantId,
        sort: str,
        expression: str,
        values: dict[str, Any],
        *,
        condition: str = "",
    ) -> bool:
        """Write attributes of a row; return whether the condition was met."""
        more: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        with unavailable(*_LATER):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(tenant, sort),
                    UpdateExpression=expression,
                    ExpressionAttributeValues=values,
                    **more,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _key(tenant: TenantId, sort: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": str(tenant)}, "sk": {"S": sort}}
