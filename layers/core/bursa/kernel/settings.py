"""The settings of each process, and the only place that reads the environment.

One class per process: a named tuple for a function, which costs its start least, or a dataclass.
A field's name in capitals is the variable that sets it; a field without a default must be set. A
composition root reads its own class once, at start:

    settings = read_settings(TradingApiSettings)

Text becomes numbers here and not by `msgspec.convert`: that stops at the first fault where a person
wants to read all of them, and importing msgspec adds 30 ms and more to the start of the functions
that need it for nothing else, such as the authorizer.
"""

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NamedTuple, TypeVar

_Settings = TypeVar("_Settings")


class SettingsError(Exception):
    """Raised at start when the environment lacks a variable or holds one that can't be read."""


class AuthorizerSettings(NamedTuple):
    """Of the function that turns a token, or a ticket, into a principal."""

    directory_table: str
    identity_table: str
    tickets_table: str
    # Set where AWS is emulated: key sets are then read from there, not from the issuer's host.
    aws_endpoint_url: str = ""
    # How long a security event pauses withdrawals where the tenant does not say.
    withdrawal_pause_ms: int = 86_400_000


class OnboardingSettings(NamedTuple):
    """Of the tool that opens a tenant."""

    directory_table: str
    # Of every shard's funds queue: its number and ".fifo" follow.
    funds_queue_url_prefix: str
    replies_table: str
    user_pool_id: str
    user_pool_client_id: str
    issuer: str
    # Numbers of all shards, comma-separated.
    shards: str
    # The deployment's stack, and the role that makes stacks of tenants.
    stack_name: str
    tenant_stack_role: str
    reply_deadline_ms: int = 30_000


class TenantToolSettings(NamedTuple):
    """Of the tool that suspends, resumes, exports and deletes tenants."""

    directory_table: str
    # Of every shard's funds queue: its number and ".fifo" follow.
    funds_queue_url_prefix: str
    replies_table: str
    markets_table: str
    trades_table: str
    orders_table: str
    fills_table: str
    balances_table: str
    identity_table: str
    notices_table: str
    # The deployment's stack.
    stack_name: str
    reply_deadline_ms: int = 30_000


class AuditToolSettings(NamedTuple):
    """Of the tool that verifies and exports audit logs."""

    audit_table: str
    archive_bucket: str
    directory_table: str


class TradingApiSettings(NamedTuple):
    """Of the function behind the signed-in routes."""

    # Of every shard's trading queue: its number and ".fifo" follow.
    command_queue_url_prefix: str
    directory_table: str
    replies_table: str
    orders_table: str
    fills_table: str
    balances_table: str
    markets_table: str
    progress_table: str
    budgets_table: str
    # Of the key of cursors.
    cursor_key_secret: str
    reply_deadline_ms: int = 5_000
    # Beyond this many waiting messages, or when the oldest has waited for so long, intake returns
    # 503 instead of making the wait longer. A standby that takes over has less than ten seconds.
    queue_depth_max: int = 20_000
    queue_age_ms_max: int = 15_000
    # An account's commands may wait so long for its own commands before them.
    account_queue_age_ms_max: int = 5_000


class IdSettings(NamedTuple):
    """Of every function that shows orders or trades, beside its own."""

    # What ids are encrypted with; never another one.
    id_key: str


class BinanceApiSettings(NamedTuple):
    """Of the function behind the Binance dialect, beside those of trading and signed requests."""

    directory_table: str
    identity_table: str
    markets_table: str
    trades_table: str
    # As of `MarketApiSettings`.
    tenants_share_hosts: str = "false"


class SignedRequestSettings(NamedTuple):
    """Of the functions behind signed-in routes, beside their own: API keys sign there."""

    budgets_table: str
    identity_table: str
    nonces_table: str
    # The KMS key under which secrets are sealed.
    credentials_key: str


class KeyStateSettings(NamedTuple):
    """Of the function behind the WebSocket routes, beside its own."""

    identity_table: str


class PublicWebSocketSettings(NamedTuple):
    """Of the function behind the WebSocket routes of visitors, beside those of the other one.

    Its `SocketSettings` name the table and the stage of visitors' connections.
    """

    # "true" where all tenants are behind one host name: the query then names the tenant.
    tenants_share_hosts: str


class PublicSocketSettings(NamedTuple):
    """Of the feed, which sends to visitors as well: their connections, and their stage."""

    public_connections_table: str
    public_websocket_endpoint: str


class IdentityApiSettings(NamedTuple):
    """Of the function behind the routes about the caller itself, beside `SocketSettings`."""

    directory_table: str
    identity_table: str
    notices_table: str
    tickets_table: str
    budgets_table: str
    balances_table: str
    # The KMS key under which secrets are sealed.
    credentials_key: str
    # How long a security event pauses withdrawals where the tenant does not say.
    withdrawal_pause_ms: int = 86_400_000
    # "true" where all tenants are behind one host name.
    tenants_share_hosts: str = "false"


class NotifySettings(NamedTuple):
    """Of the function that tells users what has happened to them."""

    directory_table: str
    identity_table: str
    notices_table: str
    notices_queue_url: str
    event_bus: str
    # From whom mails are, and the verified identity that this is of; empty: none are sent.
    sender_address: str = ""
    sender_arn: str = ""
    mail_configuration_set: str = ""


class PoolEventsSettings(NamedTuple):
    """Of the function that user pools call, beside `SocketSettings`."""

    directory_table: str
    identity_table: str
    # How long a security event pauses withdrawals where the tenant does not say.
    withdrawal_pause_ms: int = 86_400_000


class AdminApiSettings(NamedTuple):
    """Of the function behind tenants' back offices, beside `SocketSettings`."""

    audit_table: str
    # Where the heads of audit logs are published.
    archive_bucket: str
    # Of the key that authenticators' secrets are sealed with.
    credentials_key: str
    directory_table: str
    identity_table: str
    budgets_table: str
    markets_table: str
    replies_table: str
    # What statements and reports are made of.
    trades_table: str
    fills_table: str
    balances_table: str
    progress_table: str
    # Of every shard's funds queue: its number and ".fifo" follow.
    funds_queue_url_prefix: str
    reply_deadline_ms: int = 8_000


class SubAccountsSettings(NamedTuple):
    """Of the function behind sub-accounts and transfers between them."""

    directory_table: str
    identity_table: str
    budgets_table: str
    balances_table: str
    markets_table: str
    fills_table: str
    replies_table: str
    # Of the key of cursors.
    cursor_key_secret: str
    # Of every shard's transfers queue: its number and ".fifo" follow.
    transfers_queue_url_prefix: str
    reply_deadline_ms: int = 5_000
    # As of the public routes: its preflights are asked of the same hosts.
    tenants_share_hosts: str = "false"


class FeeTiersSettings(NamedTuple):
    """Of the function that sets users' fee tiers."""

    directory_table: str
    balances_table: str
    markets_table: str
    progress_table: str
    replies_table: str
    event_bus: str
    # Of every shard's funds queue: its number and ".fifo" follow.
    funds_queue_url_prefix: str
    reply_deadline_ms: int = 8_000


class OperatorApiSettings(NamedTuple):
    """Of the function behind the operator's API."""

    directory_table: str
    markets_table: str
    # The state machine's ARN.
    operator_workflow: str


class OperatorJobsSettings(NamedTuple):
    """Of the function that carries out operators' jobs, beside those of the two tools."""

    audit_table: str
    archive_bucket: str
    export_bucket: str


class MarketApiSettings(NamedTuple):
    """Of the function behind the public routes."""

    journal_table: str
    markets_table: str
    trades_table: str
    progress_table: str
    directory_table: str
    # Of the key of cursors.
    cursor_key_secret: str
    # Numbers of all shards, comma-separated.
    shards: str
    websocket_endpoint: str
    public_websocket_endpoint: str
    # "true" on a laptop and in a demo, where all tenants are behind one host name: the header
    # X-Tenant then names the tenant.
    tenants_share_hosts: str = "false"
    bursa_version: str = "development"
    # Set where AWS is emulated: a WebSocket stage is then a path of that host.
    aws_endpoint_url: str = ""


class ReadModelSettings(NamedTuple):
    """Of everything that writes or reads all read models."""

    orders_table: str
    fills_table: str
    balances_table: str
    markets_table: str
    trades_table: str
    progress_table: str


class KycSettings(NamedTuple):
    """Of the function behind the routes about who users are."""

    directory_table: str
    compliance_table: str
    user_keys_table: str
    documents_bucket: str
    # Of the aliases of tenants' keys: the tenant and the purpose follow.
    tenant_keys: str
    # Of the names of secrets of tenants' providers: the tenant and the provider follow.
    kyc_secrets: str
    # What users have traded and hold, and at which prices.
    balances_table: str
    markets_table: str
    # What people of compliance need to be let in, and where it is written what they do.
    identity_table: str
    audit_table: str
    archive_bucket: str
    # As of the tasks.
    kyc_sandbox: str = "false"
    kyc_provider_url: str = ""
    aws_endpoint_url: str = ""


class KycTasksSettings(NamedTuple):
    """Of the function that carries out the tasks of applications."""

    directory_table: str
    identity_table: str
    compliance_table: str
    user_keys_table: str
    documents_bucket: str
    tenant_keys: str
    # The name of the list that users are compared with.
    sanctions_list: str
    # Of the names of secrets of tenants' providers: the tenant and the provider follow.
    kyc_secrets: str
    # Where an antivirus (clamd) listens; none where it is empty.
    clamd_host: str = ""
    clamd_port: int = 3310
    # "true" where a tenant may have the sandbox as its provider: for trying things out.
    kyc_sandbox: str = "false"
    # Where a provider is played, for trying things out on one machine; no template has it, and it
    # is taken only where AWS is emulated.
    kyc_provider_url: str = ""
    aws_endpoint_url: str = ""


class KycChangesSettings(NamedTuple):
    """Of the function that follows changes of cases."""

    directory_table: str
    compliance_table: str
    # The state machine's ARN.
    kyc_workflow: str
    event_bus: str


class DirectorySettings(NamedTuple):
    """Of the functions that look up a tenant's shard, beside their own."""

    directory_table: str


class BudgetSettings(NamedTuple):
    """Of the functions that count what clients send, beside their own."""

    budgets_table: str


class JournalSettings(NamedTuple):
    """Of the functions that follow the journal, beside `ReadModelSettings`."""

    journal_table: str


class FactSettings(NamedTuple):
    """Of the function that puts facts on the bus, beside its own."""

    # Numbers of all shards, comma-separated.
    shards: str
    event_bus: str
    # Which kinds are put, comma-separated; none where it is empty.
    fact_kinds: str


class JournalAuditSettings(NamedTuple):
    """Of the function that compares journals with their archives, and verifies audit logs."""

    journal_table: str
    audit_table: str
    archive_bucket: str
    # Numbers of all shards, comma-separated.
    shards: str


class SocketSettings(NamedTuple):
    """Of the functions that send to WebSocket clients, beside `ReadModelSettings`."""

    connections_table: str
    websocket_endpoint: str
    # Set where AWS is emulated: a WebSocket stage is then a path of that host.
    aws_endpoint_url: str = ""


def described_settings(cls: Any) -> dict[str, tuple[Any, bool]]:  # noqa: ANN401 - either kind
    """Return type, and whether it must be set, of each field of a class of settings."""
    if is_dataclass(cls):
        return {field.name: (field.type, field.default is MISSING) for field in fields(cls)}
    return {
        name: (kind, name not in cls._field_defaults) for name, kind in cls.__annotations__.items()
    }


def read_trace_header(environment: Mapping[str, str] = os.environ) -> str:
    """Return the trace of the request that Lambda serves now; it is another one for each."""
    return environment.get("_X_AMZN_TRACE_ID", "")


def read_settings(cls: type[_Settings], environment: Mapping[str, str] = os.environ) -> _Settings:
    """Read one process's settings.

    Raises
    ------
    SettingsError
        Names every variable that is missing or not a number where one is needed.

    """
    values: dict[str, Any] = {}
    faults = []
    for name, (kind, is_required) in described_settings(cls).items():
        variable = name.upper()
        text = environment.get(variable)
        if text is None:
            if is_required:
                faults.append(f"{variable} is not set")
        elif kind is int:
            try:
                values[name] = int(text)
            except ValueError:
                faults.append(f"{variable} is not a whole number")
        else:
            values[name] = text
    if faults:
        raise SettingsError(f"Can't start {cls.__name__}: {', '.join(faults)}.")
    return cls(**values)
