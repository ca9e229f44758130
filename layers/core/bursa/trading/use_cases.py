"""What an account may do, of any dialect."""

from typing import NamedTuple

from bursa.accounts.queries import AccountQueries
from bursa.trading.batch import BatchExecution
from bursa.trading.cancel import MassCancellation, OrderCancellation
from bursa.trading.place import OrderPlacement


class TradingUseCases(NamedTuple):
    """The use cases of an account's orders; each takes a typed command and returns its outcome."""

    place: OrderPlacement
    cancel: OrderCancellation
    cancel_all: MassCancellation
    batch: BatchExecution
    queries: AccountQueries
