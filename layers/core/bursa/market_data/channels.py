"""What a WebSocket client can listen to.

book:BTC-USDT     levels of a market's book
trades:BTC-USDT   public trades of a market
orders            the account's own orders, with their fills
balances          the account's own balances
"""

from dataclasses import dataclass

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId

BOOK = "book"
TRADES = "trades"
ORDERS = "orders"
BALANCES = "balances"

_PUBLIC = frozenset({BOOK, TRADES})
_PRIVATE = frozenset({ORDERS, BALANCES})


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

    @classmethod
    def parse(cls, name: str, account: AccountId) -> "Channel":
        """Read what a client calls it; a private one is always the client's own.

        Raises
        ------
        InvalidInput
            ``unknown_channel``. Whether the market exists is not looked at.

        """
        kind, colon, market = name.partition(":")
        if kind in _PUBLIC and market and "#" not in market:
            return cls(kind, market)
        if kind in _PRIVATE and not colon:
            return cls(kind, str(account))
        raise InvalidInput(
            "unknown_channel",
            "A channel is book:<market>, trades:<market>, orders or balances.",
            field="channels",
        )

    @property
    def is_public(self) -> bool:
        """Whether anybody of the tenant may listen."""
        return self.kind in _PUBLIC

    @property
    def name(self) -> str:
        """What the client calls it."""
        return self.key if self.is_public else self.kind

    @property
    def key(self) -> str:
        """What tells it from every other channel of the tenant."""
        return f"{self.kind}:{self.subject}"

    @classmethod
    def from_key(cls, key: str) -> "Channel":
        """Read a stored `key`."""
        kind, _, subject = key.partition(":")
        return cls(kind, subject)
