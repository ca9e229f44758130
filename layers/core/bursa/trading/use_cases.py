"""What an account may do, of any dialect."""

from typing import NamedTuple

from bursa.accounts.queries import AccountQueries
from bursa.trading.batch import BatchExecution
from bursa.trading.cancel import DeadManSwitch, MassCancellation, OrderCancellation
from bursa.trading.change import OrderAmendment
from bursa.trading.dry_run import DryRun
from bursa.trading.place import OrderPlacement
from bursa.trading.place_list import ListCancellation, ListPlacement
from bursa.trading.settle import OrderSettlement


class TradingUseCases(NamedTuple):
    """The use cases of an account's orders; each takes a typed command and returns its outcome."""

    place: OrderPlacement
    cancel: OrderCancellation
    cancel_all: MassCancellation
    cancel_all_after: DeadManSwitch
    amend: OrderAmendment
    settle: OrderSettlement
    batch: BatchExecution
    dry_run: DryRun
    place_list: ListPlacement
    cancel_list: ListCancellation
    queries: AccountQueries
