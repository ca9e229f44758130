"""Which orders a market takes, and what an auction would trade if it ended now.

The engine states both, and all that shows them shows what it stated: nothing is computed here, so
an indicative price is never another one than the uncross would have.
"""

from typing import NamedTuple, Self

from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.markets import MarketState
from bursa.read_models.books import Book
from bursa.read_models.rows import BookRow
from wire import events as e
from wire import layout as w


class TradingState(NamedTuple):
    """A market's state.

    Attributes
    ----------
    indicative_price, indicative_quantity
        Ticks and lots; 0 unless there is an auction in which something would trade.

    """

    state: MarketState
    indicative_price: Ticks = Ticks(0)
    indicative_quantity: Lots = Lots(0)

    @classmethod
    def of_event(cls, event: e.Market) -> Self:
        """Return what the engine has stated."""
        state = MarketState(w.MARKET_STATE_NAMES[event.state])
        return cls(state, Ticks(event.indicative_price), Lots(event.indicative_quantity))

    @classmethod
    def of_row(cls, row: BookRow | Book | None, defined: MarketState) -> Self:
        """Return what a book or its row says; before it says anything, what the definition does."""
        if row is None or row.state is None:
            return cls(defined)
        return cls(
            MarketState(row.state), Ticks(row.indicative_price), Lots(row.indicative_quantity)
        )
