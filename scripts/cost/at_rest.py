"""What a deployment with one shard costs in a month in which nobody trades."""

from scripts.cost.deployment import alarm_metrics, keys_and_secrets, metrics, worker_default
from scripts.cost.orders import MILLION, prices

HOURS = 730
SECONDS = HOURS * 3_600
INSTANCES, DISK_GB = 2, 16
DETAILED_METRICS = 7
# A leader renews three times within its lease; a standby looks at journal and lease each time.
RENEWALS_PER_LEASE = 3
LOOKS_PER_POLL = 2
QUEUES = 3
# Of a month without orders: what no alarm but only trade writes is not there.
CLIENTS = 1_000
MINUTES = HOURS * 60


def table() -> list[list[str]]:
    """Return the table of docs/cost.md, its head first."""
    price = prices()
    renewals = SECONDS / (worker_default("lease_ms") / 1_000) * RENEWALS_PER_LEASE
    looks = SECONDS / (worker_default("poll_ms") / 1_000) * LOOKS_PER_POLL
    polls = SECONDS * QUEUES
    names = sum(map(len, metrics().values()))
    watched = alarm_metrics()
    keys, secrets = keys_and_secrets()
    fleet = [
        ("EC2 c7g.large", f"{INSTANCES} x {HOURS} h", INSTANCES * HOURS * price["c7g.large hour"]),
        ("EBS gp3", f"{INSTANCES} x {DISK_GB} GB", INSTANCES * DISK_GB * price["gp3 GB month"]),
        (
            "EC2 detailed monitoring",
            f"{INSTANCES} x {DETAILED_METRICS} metrics",
            INSTANCES * DETAILED_METRICS * price["metric month"],
        ),
        (
            "SQS, polls of the idle leader",
            f"{polls / MILLION:.1f} million",
            polls * price["queue request"],
        ),
        (
            "DynamoDB, lease and standby",
            f"{renewals / MILLION:.1f} million writes, {looks / MILLION:.1f} million reads",
            renewals * price["dynamodb write unit"] + looks * price["dynamodb read unit"],
        ),
    ]
    always = [
        (
            "custom metrics, if all are written",
            f"{names} at most",
            names * price["metric month"],
        ),
        ("alarms, by what they watch", f"{watched} metrics", watched * price["alarm month"]),
        ("dashboard", "1", price["dashboard month"]),
        (
            "KMS keys, secret",
            f"{keys} and {secrets}",
            keys * price["key month"] + secrets * price["secret month"],
        ),
    ]
    rows = [["what", "how many", "$ a month"]]
    rows += [[what, many, f"{cost:.2f}"] for what, many, cost in fleet + always]
    with_fleet = sum(cost for _, _, cost in fleet + always)
    without = sum(cost for _, _, cost in always)
    rows.append(["**sum with the fleet, at most**", "", f"**{with_fleet:.0f}**"])
    rows.append(["**sum without it, at most**", "", f"**{without:.0f}**"])
    return rows


def sockets_table() -> list[list[str]]:
    """Return what a thousand connected clients cost, its head first."""
    price = prices()
    minutes = CLIENTS * MINUTES
    message = CLIENTS * price["websocket message of 32 KB"]
    return [
        ["what", "how many", "$"],
        [
            "1,000 clients connected for a month",
            f"{minutes / MILLION:.1f} million minutes",
            f"{minutes * price['websocket connection minute']:.2f}",
        ],
        ["one message to 1,000 clients", "1,000 messages", f"{message:.3f}"],
        [
            "one message a second to 1,000 clients for a month",
            f"{CLIENTS * SECONDS / MILLION:,.0f} million messages",
            f"{message * SECONDS:,.0f}",
        ],
    ]
