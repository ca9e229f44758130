"""What a client can listen to.

book       levels of a market's book
trades     public trades of a market
orders     an account's own orders, with their fills
balances   an account's own balances
"""

from dataclasses import dataclass

BOOK = "book"
TRADES = "trades"
ORDERS = "orders"
BALANCES = "balances"

PUBLIC = frozenset({BOOK, TRADES})
PRIVATE = frozenset({ORDERS, BALANCES})


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream of messages.

    Attributes
    ----------
    kind
        ``book``, ``trades``, ``orders`` or ``balances``.
    subject
        The market of a public channel, the account of a private one.

    """

    kind: str
    subject: str

    @property
    def is_public(self) -> bool:
        """Whether every user of the tenant may listen."""
        return self.kind in PUBLIC

    @property
    def key(self) -> str:
        """The name under which a subscription is stored, unique within the tenant."""
        return f"{self.kind}:{self.subject}"
