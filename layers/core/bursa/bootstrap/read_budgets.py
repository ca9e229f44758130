"""The budgets of functions that serve signed-in routes and send no commands."""

from typing import TYPE_CHECKING

from bursa.aws.clients import guard_dynamodb_client
from bursa.intake.budgets import Budgets
from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.intake.sightings import Sightings
from bursa.kernel.clock import one_in

if TYPE_CHECKING:
    from bursa.intake.budgets import Report
    from bursa.kernel.clock import Clock
    from bursa.tenants.shards import TenantShards


def open_read_budgets(
    shards: "TenantShards", table: str, clock: "Clock", report: "Report"
) -> Budgets:
    """Build them."""
    buckets = DynamoBuckets(guard_dynamodb_client, table)
    return Budgets(
        shards.limits,
        buckets,
        clock,
        report,
        lambda _account: False,  # only the worker knows who is busy, and only of commands
        sightings=Sightings(buckets, one_in),
    )
