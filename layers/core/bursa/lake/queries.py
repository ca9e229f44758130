"""The questions to the lake that have a name: in SQL that Athena would take, too. Pure.

Each is about one tenant from one day to another, both included: its three parameters in this order.
Sums are of whole ledger units, as decimals, because a sum may be more than 64 bits.
"""

from typing import Final, NamedTuple


class NamedQuery(NamedTuple):
    """A question.

    Attributes
    ----------
    what
        What it tells, in a sentence.

    """

    what: str
    sql: str


QUERIES: Final = {
    "daily-volume": NamedQuery(
        "What traded in each market each day: trades, volume in base and quote units.",
        """\
SELECT day, market, COUNT(*) AS trades,
       SUM(CAST(base_units AS DECIMAL(38, 0))) AS base_units,
       SUM(CAST(quote_units AS DECIMAL(38, 0))) AS quote_units
FROM trades
WHERE tenant = ? AND day BETWEEN ? AND ?
GROUP BY day, market
ORDER BY day, market""",
    ),
    "daily-fees": NamedQuery(
        "What the tenant took in fees by trades each day, of each asset, after rebates.",
        """\
SELECT day, asset, SUM(CAST(-units AS DECIMAL(38, 0))) AS fee_units
FROM movements
WHERE tenant = ? AND day BETWEEN ? AND ?
  AND kind IN ('fee', 'rebate') AND account <> CONCAT(tenant, '-0')
GROUP BY day, asset
ORDER BY day, asset""",
    ),
    "daily-users": NamedQuery(
        "How many users traded each day, their sub-accounts counted as theirs.",
        """\
SELECT day, COUNT(DISTINCT owner) AS users
FROM movements
WHERE tenant = ? AND day BETWEEN ? AND ? AND kind = 'trade'
GROUP BY day
ORDER BY day""",
    ),
    "balances": NamedQuery(
        "What every account got less what it gave on these days; since the first day, what it has.",
        """\
SELECT account, asset, SUM(CAST(units AS DECIMAL(38, 0))) AS units
FROM movements
WHERE tenant = ? AND day BETWEEN ? AND ?
GROUP BY account, asset
ORDER BY account, asset""",
    ),
    "transfers": NamedQuery(
        "What came in, went out and changed accounts other than by trades each day.",
        """\
SELECT day, kind, asset, COUNT(*) AS movements, SUM(CAST(units AS DECIMAL(38, 0))) AS units
FROM movements
WHERE tenant = ? AND day BETWEEN ? AND ? AND kind NOT IN ('trade', 'fee', 'rebate')
GROUP BY day, kind, asset
ORDER BY day, kind, asset""",
    ),
    "order-outcomes": NamedQuery(
        "How orders ended each day, by market, status and reason.",
        """\
SELECT day, market, status, close_reason, COUNT(*) AS orders
FROM orders
WHERE tenant = ? AND day BETWEEN ? AND ? AND close_reason <> ''
GROUP BY day, market, status, close_reason
ORDER BY day, market, status, close_reason""",
    ),
}
