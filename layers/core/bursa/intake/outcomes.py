"""From the event words of a reply to the outcomes that its account may see.

A stored reply holds only what belongs to the caller's account (`bursa.intake.reply`); this module
keeps to that whatever it is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from wire.events import Order, OrderConditions, OrderTrail, Result, Trade, decode_events

# How many orders or trades of one message are listed at most; the read models have them all.
LISTED_MAX = 1_000


@dataclass(slots=True)
class CommandOutcome:
    """The outcome of one command, as far as its own account may see it.

    Attributes
    ----------
    result
        How the engine decided.
    orders
        The last state of each of the account's orders that changed, by order id.
    conditions
        Their conditions, by order id; most orders have none.
    trails
        How those of them trail that are trailing stops, by order id.
    fills
        Trades in which one of the account's orders was the taker; the maker is not named.

    """

    result: Result
    orders: dict[int, Order] = field(default_factory=dict)
    conditions: dict[int, OrderConditions] = field(default_factory=dict)
    trails: dict[int, OrderTrail] = field(default_factory=dict)
    fills: list[Trade] = field(default_factory=list)

    @property
    def order(self) -> Order | None:
        """The order that the command placed or meant; None when it was rejected."""
        return self.orders.get(self.result.order_id)


def read_outcomes(events: bytes, account: int) -> list[CommandOutcome]:
    """Return the outcomes of a reply, one a command, keeping what belongs to the account.

    Raises
    ------
    DecodeError
        The words are damaged.

    """
    return list(_outcomes(events, account))


def _outcomes(events: bytes, account: int) -> Iterator[CommandOutcome]:
    outcome: CommandOutcome | None = None
    for event in decode_events(events):
        if isinstance(event, Result):
            if outcome is not None:
                yield outcome
            outcome = CommandOutcome(event)
        elif outcome is not None:
            _keep(outcome, event, account)
    if outcome is not None:
        yield outcome


def _keep(outcome: CommandOutcome, event: object, account: int) -> None:
    if isinstance(event, Order):
        if event.account == account:
            outcome.orders[event.order_id] = event
    elif isinstance(event, Trade):
        if event.taker_account == account:
            outcome.fills.append(event)
    elif isinstance(event, OrderConditions) and event.order_id in outcome.orders:
        outcome.conditions[event.order_id] = event
    elif isinstance(event, OrderTrail) and event.order_id in outcome.orders:
        outcome.trails[event.order_id] = event
