"""The directory table: which tenant an issuer or a host name belongs to, and its users' accounts.

Read on every sign-in and where a tenant's shard is needed; written when a tenant or a user is
created. Rows:

    issuer#<issuer>  tenant          {tenant}
    host#<name>      tenant          {tenant}
    <tenant>         profile         {shard, name, issuer, client_ids and hosts (string sets),
                                     limits (map), origins (list), sign_up, kyc (JSON),
                                     withdrawal_pause_s},
                                     and what `bursa.tenants.records_dynamodb` writes
    <tenant>         branding        of `bursa.tenants.branding_dynamodb`
    <tenant>         user#<subject>  {account, signed_out_at, is_disabled, ended_sessions,
                                     closed_at_ms}, its level, which
                                     `bursa.compliance.account_levels_dynamodb` writes, and limits
                                     of its own: `bursa.tenants.account_limits_dynamodb`
    <tenant>         counter#<name>  {value}
    <tenant>         asset#…, market#… of `bursa.tenants.listing_numbers_dynamodb`
    deployment       counter#<name>  {value}
    deployment       name#<name>     {tenant}: which tenant goes by a name
"""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.compliance.levels import Levels, levels_from
from bursa.identity.users import User
from bursa.kernel import keys
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.account_limits import account_limits_from
from bursa.tenants.accounts_dynamodb import AccountNumbers
from bursa.tenants.ended_sessions_dynamodb import EndedSessionRows, ended_names
from bursa.tenants.life import TenantState
from bursa.tenants.limits import (
    DEFAULT_LIMITS,
    TenantLimits,
    limits_as_stored,
    limits_from,
)
from bursa.tenants.lister import Lister
from bursa.tenants.listing_numbers_dynamodb import ListingNumbers, count_up
from bursa.tenants.profile import IntakeProfile, SignUp, TenantProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

TENANT_COUNTER = "tenant"
_PROFILE_ATTRIBUTES = (
    "shard",
    "name",
    "issuer",
    "client_ids",
    "limits",
    "state",
    "sign_in_ends_at_ms",
    "delete_after_ms",
    "origins",
    "sign_up",
)
_USER_ATTRIBUTES = (
    "account",
    "signed_out_at",
    "is_disabled",
    "level",
    "vouched_level",
    "ended_sessions",
    "closed_at_ms",
    "own_limits",
)


class DirectoryTable:
    """The directory of one deployment."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Return the tenant whose users this issuer signs in; None for an unknown issuer."""
        row = self._row(keys.issuer(issuer), keys.TENANT)
        if row is None:
            return None
        return self.profile(TenantId.parse(row["tenant"]["S"]))

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings; None for an unknown tenant.

        Reads no other attribute, so that a role may be allowed these alone.
        """
        row = self._row(str(tenant), keys.PROFILE, *_PROFILE_ATTRIBUTES)
        if row is None:
            return None
        return TenantProfile(
            tenant,
            int(row["shard"]["N"]),
            row["name"]["S"],
            row["issuer"]["S"],
            frozenset(row["client_ids"]["SS"]),
            _limits(row),
            TenantState(row.get("state", {"S": TenantState.ACTIVE})["S"]),
            _time(row, "sign_in_ends_at_ms"),
            _time(row, "delete_after_ms"),
            _origins(row),
            SignUp(row.get("sign_up", {"S": SignUp.CLOSED})["S"]),
        )

    def public_profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return as `profile` does; raises `Unavailable` ``directory_unavailable``."""
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            return self.profile(tenant)

    def intake_profile(self, tenant: TenantId) -> IntakeProfile | None:
        """Return a tenant's shard, limits and levels; None for an unknown tenant.

        Reads no other attribute, so that a role may be allowed these alone. Raises `Unavailable`
        ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._row(str(tenant), keys.PROFILE, "shard", "limits", "kyc")
        if row is None:
            return None
        return IntakeProfile(int(row["shard"]["N"]), _limits(row), _levels(row))

    def brand_name(self, tenant: TenantId) -> str:
        """Return a tenant's name for people; empty for an unknown tenant.

        Reads no other attribute, so that a role may be allowed this one alone. Raises
        `Unavailable` ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._row(str(tenant), keys.PROFILE, "name")
        return "" if row is None else row["name"]["S"]

    def withdrawal_pause_s(self, tenant: TenantId) -> int | None:
        """Return for how long an event pauses withdrawals; None where the tenant does not say.

        Reads no other attribute, so that a role may be allowed this one alone. Raises
        `Unavailable` ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._row(str(tenant), keys.PROFILE, "withdrawal_pause_s")
        return None if not row else _time(row, "withdrawal_pause_s")

    def set_withdrawal_pause(self, tenant: TenantId, seconds: int | None) -> None:
        """Write that, or that the deployment says it; safe to repeat."""
        change: dict[str, Any] = {"UpdateExpression": "REMOVE withdrawal_pause_s"}
        if seconds is not None:
            change = {
                "UpdateExpression": "SET withdrawal_pause_s = :seconds",
                "ExpressionAttributeValues": {":seconds": {"N": str(seconds)}},
            }
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.PROFILE}},
            ConditionExpression="attribute_exists(pk)",
            **change,
        )

    def origins(self, tenant: TenantId) -> frozenset[str]:
        """Return the origins of a tenant's web pages; none for an unknown tenant.

        Reads no other attribute, so that a role may be allowed this one alone. Raises
        `Unavailable` ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._row(str(tenant), keys.PROFILE, "origins")
        return frozenset() if row is None else _origins(row)

    def has_tenant(self, tenant: TenantId) -> bool:
        """Return whether there is such a tenant, and has not been deleted.

        Reads no other attribute, so that a role may be allowed these alone. Raises
        `Unavailable` ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._row(str(tenant), keys.PROFILE, "shard", "state")
        return row is not None and row.get("state") != {"S": TenantState.DELETED.value}

    def tenants_numbered(self) -> int:
        """Return the highest number that a tenant was given so far."""
        row = self._row(keys.DEPLOYMENT, keys.counter(TENANT_COUNTER))
        return 0 if row is None else int(row["value"]["N"])

    def tenant_of_host(self, host: str) -> TenantId | None:
        """Return the tenant that a host name belongs to; None for an unknown host.

        Raises `Unavailable` ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._row(keys.host(host), keys.TENANT, "tenant")
        return None if row is None else TenantId.parse(row["tenant"]["S"])

    def add_host(self, tenant: TenantId, host: str) -> None:
        """Assign a host name to a tenant; safe to repeat.

        Raises
        ------
        Conflict
            ``host_taken``: it leads to another tenant.

        """
        row = self._put_or_find(keys.host(host), keys.TENANT, tenant={"S": str(tenant)})
        if row["tenant"]["S"] != str(tenant):
            raise Conflict("host_taken", f"{host} belongs to another tenant; choose another name.")
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.PROFILE}},
            UpdateExpression="ADD hosts :host",
            ExpressionAttributeValues={":host": {"SS": [host.lower()]}},
        )

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Return the account of a signed-in user; None when the user has none yet."""
        user = self.user_of(tenant, subject)
        return None if user is None else AccountId.parse(user.account)

    def user_of(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account.

        Reads no more than that, so that a role may be allowed these attributes alone.
        """
        row = self._row(str(tenant), keys.user(subject), *_USER_ATTRIBUTES)
        if row is None:
            return None
        none = {"N": "0"}
        return User(
            row["account"]["S"],
            int(row.get("signed_out_at", none)["N"]),
            row.get("is_disabled", {"BOOL": False})["BOOL"],
            max(int(row.get(name, none)["N"]) for name in ("level", "vouched_level")),
            ended_names(row.get("ended_sessions", {}).get("SS", ())),
            int(row.get("closed_at_ms", none)["N"]),
            account_limits_from(row.get("own_limits", {"S": ""})["S"]),
        )

    def known_user(self, tenant: TenantId, subject: str) -> User | None:
        """Return as `user_of` does; raises `Unavailable` ``directory_unavailable``."""
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            return self.user_of(tenant, subject)

    def end_sessions(self, tenant: TenantId, subject: str, at_s: int) -> None:
        """End the sessions of a user that began at this time or before; never takes that back.

        Raises `Unavailable` ``directory_unavailable``.
        """
        ended_then_or_later = self._client.exceptions.ConditionalCheckFailedException
        with (
            unavailable("directory_unavailable", "Send the same request again in a moment."),
            suppress(ended_then_or_later),
        ):
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
                UpdateExpression="SET signed_out_at = :at",
                ConditionExpression=(
                    "attribute_exists(pk) AND "
                    "(attribute_not_exists(signed_out_at) OR signed_out_at < :at)"
                ),
                ExpressionAttributeValues={":at": {"N": str(at_s)}},
            )

    def end_session(
        self, tenant: TenantId, subject: str, session: str, signed_in_at: int, now_s: int
    ) -> bool:
        """End as `EndedSessionRows`; raises `Unavailable` ``directory_unavailable``."""
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            rows = EndedSessionRows(self._client, self._table)
            return rows.end(tenant, subject, session, signed_in_at, now_s)

    def close_user(self, tenant: TenantId, subject: str, at_ms: int) -> None:
        """Close as `EndedSessionRows`; raises `Unavailable` ``directory_unavailable``."""
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            EndedSessionRows(self._client, self._table).close_user(tenant, subject, at_ms)

    def vouch(self, tenant: TenantId, subject: str, level: int) -> None:
        """Write the level at which an operator knows a user, unless it has applied itself.

        Safe to repeat; who has a case has the level that the case says.
        """
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
                UpdateExpression="SET vouched_level = :level",
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(level_version)",
                ExpressionAttributeValues={":level": {"N": str(level)}},
            )

    def set_disabled(self, tenant: TenantId, subject: str, *, is_disabled: bool) -> None:
        """Shut a user out, or let it in again; its account stays as it is."""
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
            UpdateExpression="SET is_disabled = :is_disabled",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":is_disabled": {"BOOL": is_disabled}},
        )

    def tenant_named(self, name: str) -> TenantId | None:
        """Return the tenant that goes by a name; None for a name that nobody has claimed."""
        row = self._row(keys.DEPLOYMENT, keys.tenant_name(name))
        return None if row is None else TenantId.parse(row["tenant"]["S"])

    def claim_name(self, name: str, tenant: TenantId | None = None) -> TenantId:
        """Return the tenant that goes by a name: this one, or a new one; safe to repeat.

        Raises
        ------
        Conflict
            ``name_taken``: another tenant goes by it.

        """
        named = self.tenant_named(name)
        if named is None:
            number = tenant or TenantId(self.next_tenant_number())
            row = self._put_or_find(
                keys.DEPLOYMENT, keys.tenant_name(name), tenant={"S": str(number)}
            )
            named = TenantId.parse(row["tenant"]["S"])
        if tenant not in (None, named):
            raise Conflict("name_taken", f"{named} goes by the name {name}; choose another.")
        return named

    def open_tenant(
        self,
        name: str,
        issuer: str,
        client_ids: frozenset[str],
        shard: int,
        limits: TenantLimits = DEFAULT_LIMITS,
        *,
        origins: frozenset[str] = frozenset(),
        sign_up: SignUp = SignUp.CLOSED,
    ) -> TenantProfile:
        """Write a tenant's settings; a name keeps its tenant, a tenant its issuer and its shard.

        Raises
        ------
        Conflict
            ``name_taken``, or ``pool_fixed``: the tenant's users are another issuer's.

        """
        owner = self.tenant_of(issuer)
        tenant = self.claim_name(name, None if owner is None else owner.tenant)
        existing = self.profile(tenant)
        if existing is not None and existing.issuer != issuer:
            raise Conflict(
                "pool_fixed", f"{name} is {tenant}, whose users are those of {existing.issuer}."
            )
        shard = shard if existing is None else existing.shard
        profile = TenantProfile(
            tenant,
            shard,
            name,
            issuer,
            client_ids,
            limits,
            origins=origins,
            sign_up=sign_up,
        )
        if profile != existing:
            self.add_tenant(profile)
        return profile

    def add_tenant(self, profile: TenantProfile) -> None:
        """Write a tenant's settings, then admit its issuer; its record stays as it is."""
        limits = {
            name: {"L": [{"N": str(number)} for number in numbers]}
            for name, numbers in limits_as_stored(profile.limits).items()
        }
        values: dict[str, AttributeValueTypeDef] = {
            "shard": {"N": str(profile.shard)},
            "name": {"S": profile.name},
            "issuer": {"S": profile.issuer},
            "client_ids": {"SS": sorted(profile.client_ids)},
            "limits": {"M": limits},
            # A list, because a set can't be empty.
            "origins": {"L": [{"S": origin} for origin in sorted(profile.origins)]},
            "sign_up": {"S": profile.sign_up.value},
        }
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(profile.tenant)}, "sk": {"S": keys.PROFILE}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        )
        self._put(keys.issuer(profile.issuer), keys.TENANT, tenant={"S": str(profile.tenant)})

    def open_account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account, which is a new one when there is none; safe to repeat."""
        return AccountNumbers(self._client, self._table).open(tenant, subject)

    def open_signed_up(self, tenant: TenantId, subject: str, most: int) -> AccountId | None:
        """Return as `AccountNumbers.open_signed_up`; raises `Unavailable`."""
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            return AccountNumbers(self._client, self._table).open_signed_up(tenant, subject, most)

    def get_or_assign_asset_number(self, tenant: TenantId, symbol: str, scale: int) -> int:
        """Return as `ListingNumbers.asset`."""
        return ListingNumbers(self._client, self._table).asset(tenant, symbol, scale)

    def get_or_assign_market_number(
        self, tenant: TenantId, symbol: str, steps: tuple[int, int]
    ) -> int:
        """Return as `ListingNumbers.market` for a file."""
        numbers = ListingNumbers(self._client, self._table)
        return numbers.market(tenant, symbol, steps, Lister.FILE)

    def asset_scale(self, tenant: TenantId, symbol: str) -> int | None:
        """Return as `ListingNumbers.scale`."""
        return ListingNumbers(self._client, self._table).scale(tenant, symbol)

    def market_lister(self, tenant: TenantId, symbol: str) -> Lister | None:
        """Return as `ListingNumbers.lister`."""
        return ListingNumbers(self._client, self._table).lister(tenant, symbol)

    def next_tenant_number(self) -> int:
        """Count up and return the new value, from 1."""
        return count_up(self._client, self._table, TENANT_COUNTER)

    def _row(
        self, partition: str, sort: str, *attributes: str
    ) -> "dict[str, AttributeValueTypeDef] | None":
        """Return a row, or some attributes of it; None when there is no such row."""
        projection: dict[str, Any] = {}
        if attributes:
            projection = {
                "ProjectionExpression": ", ".join(f"#a{at}" for at in range(len(attributes))),
                "ExpressionAttributeNames": {
                    f"#a{at}": attribute for at, attribute in enumerate(attributes)
                },
            }
        response = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": partition}, "sk": {"S": sort}},
            ConsistentRead=True,
            **projection,
        )
        return response.get("Item")

    def _put(self, partition: str, sort: str, **attributes: "AttributeValueTypeDef") -> None:
        item = {"pk": {"S": partition}, "sk": {"S": sort}, **attributes}
        self._client.put_item(TableName=self._table, Item=item)

    def _put_or_find(
        self, partition: str, sort: str, **attributes: "AttributeValueTypeDef"
    ) -> "dict[str, AttributeValueTypeDef]":
        """Write a row unless there is one, and return the one that is there.

        Of two calls at once one writes; what the other had counted up stays unused.
        """
        item: dict[str, AttributeValueTypeDef]
        item = {"pk": {"S": partition}, "sk": {"S": sort}, **attributes}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            existing = self._row(partition, sort)
            if existing is None:
                raise
            return existing
        return item


def _time(row: "Mapping[str, AttributeValueTypeDef]", name: str) -> int | None:
    return int(row[name]["N"]) if name in row else None


def _origins(row: "Mapping[str, AttributeValueTypeDef]") -> frozenset[str]:
    return frozenset(origin["S"] for origin in row.get("origins", {}).get("L", []))


def _levels(row: "Mapping[str, AttributeValueTypeDef]") -> Levels | None:
    stored = row.get("kyc")
    return None if stored is None else levels_from(json.loads(stored["S"])["levels"])


def _limits(row: "Mapping[str, AttributeValueTypeDef]") -> TenantLimits:
    stored = row.get("limits", {}).get("M", {})
    return limits_from(
        {name: tuple(int(number["N"]) for number in value["L"]) for name, value in stored.items()}
    )
