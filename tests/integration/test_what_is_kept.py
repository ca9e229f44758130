"""docs/retention.md: each kind of row there is, in an export or not, and after a deletion.

Whoever adds a table, a bucket or a kind of row says there what becomes of it; and what the page
says is what the code does with one row of each.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.export_dynamodb import ExportTables, TenantTables
from bursa.tenants.removal_dynamodb import Owned, RemovalTables, TenantRemoval
from tests.contract.templates import everywhere

PAGE = Path(__file__).resolve().parents[2] / "docs" / "retention.md"
T1, T2 = TenantId(1), TenantId(2)
FATES = {"deleted", "expires", "unreadable", "stays"}
# What the code looks for in rows that lead to others.
NAMES = {"issuer": "https://issuer.example/{}", "name": "{}.brand.example", "subject": "alice"}
NAMES |= {"index": "1", "market": "BTC-USDT", "asset": "BTC"}


class Kind(NamedTuple):
    """A kind of row."""

    table: str
    partition: str
    row: str


class Kept(NamedTuple):
    """What the page says of it."""

    exported: str
    fate: str


def kinds() -> list[Kind]:
    """Return the kinds that `bursa.kernel.keys` lists."""
    text = ast.get_docstring(ast.parse(Path(keys.__file__).read_text())) or ""
    lines = text.split("table       partition key")[1].split("Indexes,")[0].splitlines()[1:]
    found = []
    for line in filter(str.strip, lines):
        partition, *rest = re.split(r"\s{2,}", line[16:].strip())
        # Visitors' connections have a table of their own, whose name does not fit the column.
        of_visitors = partition == "<visitor>#connections"
        table = "public connections" if of_visitors else line[4:16].strip()
        found.append(Kind(table, partition, rest[0] if len(rest) == 2 else ""))
    return found


def page_rows(heading: str) -> list[list[str]]:
    part = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def page() -> dict[Kind, Kept]:
    return {Kind(*row[:3]): Kept(row[4], row[5]) for row in page_rows("Rows")}


def filled(text: str, tenant: TenantId) -> str:
    """Return a key as a tenant has it."""
    text = text.partition(" or ")[0].partition(" (N)")[0]
    account = str(AccountId(tenant, 1))
    names = {"tenant": str(tenant), "account": account, "owner": account}
    names |= {name: value.format(tenant) for name, value in NAMES.items()}
    return re.sub("<([^>]+)>", lambda found: names.get(found[1], f"a {found[1]}"), text)


def is_of_tenants(kind: Kind) -> bool:
    if kind.table == "directory":
        return (kind.partition, kind.row) != ("deployment", "counter#<name>")
    return kind.partition.startswith(("<tenant>", "<account>", "<owner>"))


def keys_of(kind: Kind, tenant: TenantId) -> tuple[str, str, str]:
    table = kind.table.replace(" ", "-")
    return table, filled(kind.partition, tenant), filled(kind.row, tenant) or "-"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Fill every table with one row of each kind, for two tenants."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb")
        for table in {kind.table.replace(" ", "-") for kind in kinds()}:
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
                ],
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            )
        for tenant in (T1, T2):
            fill(client, tenant)
        yield client


def fill(client: Any, tenant: TenantId) -> None:
    owner = AccountId(tenant, 1)
    for kind in filter(is_of_tenants, kinds()):
        table, partition, sort = keys_of(kind, tenant)
        item: dict[str, Any] = {"pk": {"S": partition}, "sk": {"S": sort}}
        item |= {"tenant": {"S": str(tenant)}, "account": {"S": str(owner)}}
        item["hosts"] = {"SS": [f"{tenant}.brand.example"]}
        if not kind.row.startswith("sub-accounts#"):
            client.put_item(TableName=table, Item=item)
    seats = SubAccountList({1: SubAccount(owner.sub_account(1), "bot", 1)}, 0)
    assert SubAccountsTable(client, "directory").replace(owner, seats)
    of_bot = {"pk": {"S": str(owner.sub_account(1))}, "sk": {"S": "key#bot"}}
    client.put_item(TableName="identity", Item=of_bot)


def everything(client: Any) -> set[tuple[str, str, str]]:
    return {
        (table, row["pk"]["S"], row["sk"]["S"])
        for table in client.list_tables()["TableNames"]
        for row in client.scan(TableName=table)["Items"]
    }


def remove(client: Any, tenant: TenantId) -> None:
    own: Any = SimpleNamespace(remove=lambda _: None, schedule_deletion=lambda _: None)
    record: Any = SimpleNamespace(
        tenant=str(tenant),
        issuer=NAMES["issuer"].format(tenant),
        name=NAMES["name"].format(tenant),
    )
    tables = RemovalTables("directory", "identity", "notices")
    TenantRemoval(client, tables, Owned(own, own, own)).remove(record)


def test_the_page_has_each_kind_of_row_once() -> None:
    listed = [Kind(*row[:3]) for row in page_rows("Rows")]
    assert listed == kinds()
    assert len(listed) == len(set(listed))
    assert {kept.fate for kept in page().values()} <= FATES


def test_each_table_of_the_templates_has_rows_on_the_page() -> None:
    tables = {name.partition(":")[2] for name in everywhere("AWS::DynamoDB::Table")}
    assert tables == {logical_name(kind.table) for kind in page()}


def logical_name(table: str) -> str:
    """Return what a table is called in the templates."""
    return f"{table.title().replace(' ', '')}Table"


def test_each_bucket_of_the_templates_is_on_the_page() -> None:
    buckets = {name.partition(":")[2] for name in everywhere("AWS::S3::Bucket")}
    assert {row[0] for row in page_rows("Buckets")} == buckets
    assert {row[3] for row in page_rows("Buckets")} <= FATES


def test_what_expires_is_in_tables_that_forget() -> None:
    forgetful = {
        name.partition(":")[2]
        for name, table in everywhere("AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table["Properties"]
    }
    expiring = {kind.table for kind, kept in page().items() if kept.fate == "expires"}
    assert {logical_name(table) for table in expiring} <= forgetful


def test_an_export_has_what_the_page_says(client: Any) -> None:
    names = {name: name for name in ExportTables._fields}
    exported = {
        (part, row["pk"], row["sk"])
        for part, rows in TenantTables(client, ExportTables(**names)).parts(T1)
        for row in rows
    }
    expected = {
        (kept.exported, *keys_of(kind, T1)[1:])
        for kind, kept in page().items()
        if kept.exported != "no"
    }
    assert exported == expected


def test_a_deletion_takes_what_the_page_says_and_nothing_of_another(client: Any) -> None:
    before = everything(client)
    for _ in range(2):
        remove(client, T1)
    gone = before - everything(client)
    expected = {
        keys_of(kind, T1)
        for kind, kept in page().items()
        if kept.fate == "deleted" and is_of_tenants(kind)
    }
    assert gone == expected | {("identity", str(AccountId(T1, 1).sub_account(1)), "key#bot")}


def test_a_deletion_that_broke_off_goes_on(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = everything(client)
    delete = client.delete_item
    left = iter(range(5))

    def fails_later(**asked: Any) -> Any:
        if next(left, None) is None:
            raise ConnectionError
        return delete(**asked)

    with monkeypatch.context() as patch:
        patch.setattr(client, "delete_item", fails_later)
        with pytest.raises(ConnectionError):
            remove(client, T1)
    assert everything(client) < broken
    remove(client, T1)
    other = everything(client)
    fill(client, T1)
    remove(client, T1)
    assert everything(client) == other
