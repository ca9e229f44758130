"""What docs/limits.md says the code or the templates allow is what they allow."""

import inspect
import re
from typing import Any

import pytest

from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX
from bursa.journal.record import BODY_BYTES_MAX, PART_BYTES_MAX, RECORD_BYTES_MAX
from bursa.kernel.settings import TradingApiSettings
from bursa.tenants.limits import DEFAULT_LIMITS
from engine.reference import Engine
from scripts.cost.orders import cases, journal_units_per_command
from scripts.deploy.builds import reservations
from tests.contract.templates import APPLICATION, ROOT, everywhere, resources, template
from wire import layout as w
from worker.settings import ShardSettings

PAGE = (ROOT / "docs" / "limits.md").read_text()
PARAMETERS = template(APPLICATION)["Parameters"]
SHARD = ShardSettings(shard=0)
KB = 1024


def row(section: str, first: str) -> str:
    """Return the row of a section's table that begins with these words."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"^\| {re.escape(first)} \|.*$", text, re.MULTILINE)
    return str(found)


def days_kept() -> int:
    queue = resources(ROOT / "infra" / "queues.yaml")["CommandQueue"]["Properties"]
    return int(queue["MessageRetentionPeriod"]) // 86_400


def rates(scope: str) -> tuple[int, ...]:
    names = ("commands", "cancels", "reads")
    return tuple(getattr(DEFAULT_LIMITS, f"{scope}_{name}").per_s for name in names)


IDS_MAX = int(inspect.signature(Engine).parameters["remembered_ids"].default)
DEPTH_MAX = TradingApiSettings._field_defaults["queue_depth_max"]
MESSAGES_PER_S = DEFAULT_LIMITS.connection_messages.per_s * DEFAULT_LIMITS.account_connections
VISITORS_SHARE = (
    f"{DEFAULT_LIMITS.visitor_connections} of an address;"
    f" {DEFAULT_LIMITS.tenant_visitor_channels.per_s} channels asked for a second"
)
ACCOUNT, TENANT = "One user's account", "One tenant"
REGION, EACH = "One AWS account and region", "FunctionConcurrency"
OF_KYC = (
    "of them for each of the ten about users, notices, sub-accounts, pools, fee tiers,"
    " operators and the archive"
)


@pytest.mark.parametrize(
    ("section", "first", "words"),
    [
        ("One shard", "records, by the journal", f"({RECORD_BYTES_MAX // KB} KB)"),
        ("One shard", "messages received", f"{SHARD.receivers} receives in flight"),
        ("One shard", "messages in flight", f"holds {SHARD.held_messages_max:,} at most"),
        ("One shard", "messages waiting", f"| {DEPTH_MAX:,},"),
        ("One shard", "how long a command waits", {4: "four"}[days_kept()] + " days"),
        ("One shard", "command ids remembered", f"two hours, {IDS_MAX:,} at most"),
        ("One shard", "command ids remembered", f"{IDS_MAX * 1000 // w.ID_MEMORY_MS} commands"),
        ("One shard", "one command", f"{PART_BYTES_MAX // KB} KB a part"),
        ("One shard", "one command", f"{BODY_BYTES_MAX // KB**2} MB in all"),
        (TENANT, "commands", f"{rates('tenant')[0]:,} a second"),
        (TENANT, "commands", f"{DEFAULT_LIMITS.tenant_commands.burst:,} at once"),
        (TENANT, "cancels, reads", f"{rates('tenant')[1]:,} a second each"),
        (TENANT, "cancels, reads", f"{rates('tenant')[2]:,} a second each"),
        (TENANT, "WebSockets", f"{DEFAULT_LIMITS.tenant_connections:,} at once"),
        (
            TENANT,
            "visitors' WebSockets",
            f"{DEFAULT_LIMITS.tenant_visitor_connections:,} at once, {VISITORS_SHARE}",
        ),
        (
            REGION,
            "of them for visitors' WebSockets",
            str(template(APPLICATION)["Parameters"]["PublicWebSocketConcurrency"]["Default"]),
        ),
        (ACCOUNT, "commands, cancels, reads", "{}, {} and {} a second".format(*rates("account"))),
        (ACCOUNT, "operations in a batch", f" {COMMANDS_PER_MESSAGE_MAX} "),
        (ACCOUNT, "WebSockets, channels", f"{DEFAULT_LIMITS.account_connections} connections"),
        (ACCOUNT, "WebSockets, channels", f"{DEFAULT_LIMITS.account_subscriptions} channels"),
        (ACCOUNT, "messages on its WebSockets", f"{MESSAGES_PER_S} a second"),
        (REGION, "of them for orders", f" {PARAMETERS['TradingApiConcurrency']['Default']} "),
        (REGION, "of them for each other function", f" {PARAMETERS[EACH]['Default']} "),
        (REGION, OF_KYC, f" {PARAMETERS['KycConcurrency']['Default']} "),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_a_row_says_what_the_code_says(section: str, first: str, words: str) -> None:
    assert words in row(section, first)


def test_a_method_may_be_asked_as_often_as_the_page_says() -> None:
    api: Any = resources(APPLICATION)["RestApi"]["Properties"]
    limits = {
        (one["HttpMethod"], one["ResourcePath"]): one["ThrottlingRateLimit"]
        for one in api["MethodSettings"]
    }
    said = row(REGION, "of them a method")
    assert f"orders {limits['POST', '/~1orders']:,}" in said
    assert f"batches {limits['POST', '/~1orders~1batch']:,}" in said
    assert f"cancels of one order {limits['DELETE', '/~1orders~1{order_id}']:,}" in said
    assert f"of all {limits['DELETE', '/~1orders']:,}" in said
    assert f"what is not named {limits['*', '/*']:,}" in said
    assert f"together {reservations().requests_per_s:,}" in said


def test_a_shards_commands_follow_from_the_measured_units() -> None:
    """A partition of DynamoDB takes a thousand write units a second."""
    units = journal_units_per_command(cases()[-1])
    said = row("One shard", "commands, by the journal")
    assert f"a command costs {units:.3f} in records of 100" in said
    assert f"about {round(1_000 / units, -2):,.0f} a second" in said


# The row of each table, in the order of the page; a new table needs one, or a test that shows it.
AWAY = {
    "the journal's table": {"JournalTable"},
    "the table of leases and progress": {"ProgressTable"},
    "the replies' table": {"RepliesTable"},
    "the directory": {"DirectoryTable"},
    "the tables of tickets": {"TicketsTable"},
    "the table of connections": {"ConnectionsTable"},
    "the table of visitors' connections": {"PublicConnectionsTable"},
    "the nonces' table": {"NoncesTable"},
    "the table of notices": {"NoticesTable"},
    "the table of identity": {"IdentityTable"},
    "the tables of read models": {
        "BalancesTable", "FillsTable", "MarketsTable", "OrdersTable", "TradesTable",
    },
    "the budgets' table": {"BudgetsTable"},
    "the tables of KYC, ": {"ComplianceTable", "UserKeysTable"},
    "the table of audit logs": {"AuditTable"},
}  # fmt: skip


def test_every_table_has_a_row_of_what_happens_without_it() -> None:
    text = PAGE.partition("\n## While a part of AWS is away\n")[2]
    tables = {name.rpartition(":")[2] for name in everywhere("AWS::DynamoDB::Table")}
    assert tables == set().union(*AWAY.values())
    assert [name for name in AWAY if f"\n| {name}" not in text] == []


def test_each_outage_names_a_test_that_exists() -> None:
    text = PAGE.partition("\n## While a part of AWS is away\n")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for line in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", line)
        assert named, line
        for name, function in named:
            assert f"def {function}" in (ROOT / name).read_text(), name
