"""A shard's three command queues, and which commands may come by which.

Users trade by one and transfer between their own accounts by another; money from outside, listings
and settings come by the third. Each has other senders (infra/shard.yaml). So whoever may send
orders can't send credits: the worker rejects a command that came by the wrong queue
(`worker.message_check`).
"""

from enum import IntEnum

from wire import layout as w


class QueueKind(IntEnum):
    """A command queue of a shard."""

    TRADING = 1
    FUNDS = 2
    TRANSFERS = 3


# Commands of an account about its own orders.
TRADING_COMMANDS = frozenset(
    {
        w.COMMAND_PLACE,
        w.COMMAND_STAGE,
        w.COMMAND_PLACE_LIST,
        w.COMMAND_CANCEL,
        w.COMMAND_CANCEL_ALL,
        w.COMMAND_AMEND,
        w.COMMAND_REPLACE,
        w.COMMAND_CANCEL_ALL_AFTER,
    }
)
# Commands about an account that its user can't give by itself.
ACCOUNT_COMMANDS = frozenset(
    {
        w.COMMAND_CREDIT,
        w.COMMAND_DEBIT,
        w.COMMAND_HOLD,
        w.COMMAND_RELEASE,
        w.COMMAND_CAPTURE,
        w.COMMAND_TRANSFER,
        w.COMMAND_SET_ACCOUNT,
    }
)
# Commands about a tenant, which its fee account sends: the word that names the tenant.
TENANT_COMMANDS: dict[int, int] = {
    w.COMMAND_DEFINE_ASSET: w.DEFINE_ASSET_TENANT,
    w.COMMAND_DEFINE_MARKET: w.DEFINE_MARKET_TENANT,
    w.COMMAND_SET_FEE_TIER: w.FEE_TIER_TENANT,
    w.COMMAND_SET_TENANT_LIMITS: w.TENANT_LIMITS_TENANT,
}
# Commands about a market, in the name of a tenant's fee account: the engine rejects them unless the
# market is that tenant's.
MARKET_COMMANDS = frozenset({w.COMMAND_SET_MARKET_LIMITS, w.COMMAND_SET_MARKET_STATE})
ALLOWED_COMMANDS = {
    QueueKind.TRADING: TRADING_COMMANDS,
    QueueKind.FUNDS: ACCOUNT_COMMANDS | TENANT_COMMANDS.keys() | MARKET_COMMANDS,
    # Between accounts of one owner, which the numbers of both say (docs/adr/0069).
    QueueKind.TRANSFERS: frozenset({w.COMMAND_TRANSFER}),
}
# Who can have asked for what comes by a queue, as the journal will name it.
ALLOWED_ACTORS = {
    QueueKind.TRADING: frozenset({w.ACTOR_USER, w.ACTOR_API_KEY}),
    QueueKind.FUNDS: frozenset({w.ACTOR_OPERATOR}),
    QueueKind.TRANSFERS: frozenset({w.ACTOR_USER, w.ACTOR_API_KEY}),
}
