"""Tenants as a person or a program reads them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from bursa.kernel.markets import Market
from bursa.tenants.life import TenantRecord


def as_json(record: TenantRecord, markets: Sequence[Market] = ()) -> dict[str, Any]:
    """Return a tenant as JSON; times are UTC milliseconds."""
    return {
        "id": record.tenant,
        "name": record.name,
        "state": record.state.value,
        "shard": record.shard,
        "issuer": record.issuer,
        "sign_in_ends_at_ms": record.sign_in_ends_at_ms,
        "delete_after_ms": record.delete_after_ms,
        "exported_at_ms": record.exported_at_ms,
        "markets": {market.symbol: market.state.value for market in markets},
        "history": [
            {"at_ms": one.at_ms, "state": one.state.value, "by": one.by, "reason": one.reason}
            for one in record.history
        ],
    }


def as_table(records: Sequence[TenantRecord]) -> Table:
    """Return all tenants as a table."""
    table = Table(box=None)
    for heading in ("id", "name", "state", "shard", "since"):
        table.add_column(heading)
    for record in records:
        since = moment(record.history[-1].at_ms) if record.history else ""
        table.add_row(record.tenant, record.name, record.state, str(record.shard), since)
    return table


def as_text(record: TenantRecord, markets: Sequence[Market]) -> str:
    """Return one tenant as lines of text."""
    lines = [
        f"{record.tenant} {record.name}: {record.state}, on shard {record.shard}",
        f"issuer   {record.issuer}",
    ]
    lines += [f"market   {market.symbol} {market.state}" for market in markets]
    for what, at_ms in (
        ("sign-in ends", record.sign_in_ends_at_ms),
        ("may be deleted from", record.delete_after_ms),
        ("exported", record.exported_at_ms),
    ):
        if at_ms is not None:
            lines.append(f"{what} {moment(at_ms)}")
    lines += [
        f"{moment(one.at_ms)}  {one.state}  by {one.by}: {one.reason}" for one in record.history
    ]
    return "\n".join(lines)


def moment(at_ms: int) -> str:
    """Return a time in UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m-%d %H:%M:%SZ}"
