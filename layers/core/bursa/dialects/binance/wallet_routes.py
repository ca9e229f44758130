"""The few endpoints under ``/sapi/v1`` that trading programs ask before they begin.

The exchange has no wallets yet: nothing can be deposited or withdrawn, and that is what is said.
"""

from collections.abc import Callable
from typing import Final

from bursa.dialects.binance.calls import Call, Endpoint, Endpoints, Json
from bursa.dialects.binance.decimals import ZERO, padded
from bursa.dialects.binance.fee_presentation import trade_fee
from bursa.dialects.binance.symbols import Symbols
from bursa.fees.queries import FeeQueries
from bursa.identity.principal import Scope
from bursa.kernel.amounts import format_units
from bursa.trading.use_cases import TradingUseCases

# What clients of several kinds of markets ask: there are none of these.
_NOTHING: Final = (
    "capital/deposit/hisrec",
    "capital/withdraw/history",
    "margin/allPairs",
    "margin/isolated/allPairs",
)
_HISTORY: Final = frozenset(
    {"coin", "status", "startTime", "endTime", "offset", "limit", "txId", "withdrawOrderId"}
    | {"includeSource", "idList", "symbol"}
)


class WalletRoutes:
    """What is said of wallets."""

    def __init__(self, use_cases: TradingUseCases, symbols: Symbols, fees: FeeQueries) -> None:
        self._queries = use_cases.queries
        self._symbols = symbols
        self._fees = fees

    def endpoints(self) -> Endpoints:
        """Return the endpoints by method and path."""

        def read(run: Callable[[Call], object], *names: str) -> Endpoint:
            return Endpoint(run, frozenset(names), Scope.READ, reads=1)

        found = {
            "system/status": Endpoint(lambda _call: {"status": 0, "msg": "normal"}),
            "capital/config/getall": read(self.assets),
            "asset/tradeFee": read(self.trade_fees, "symbol"),
            **{name: Endpoint(_nothing, _HISTORY, Scope.READ, reads=1) for name in _NOTHING},
        }
        return {("GET", f"/sapi/v1/{path}"): endpoint for path, endpoint in found.items()}

    def assets(self, call: Call) -> list[Json]:
        """Return the assets that markets trade, with the account's balances."""
        markets = self._symbols.all(call.tenant).values()
        names = {name for one in markets for name in (one.units.base, one.units.quote)}
        balances = {one.row.asset: one for one in self._queries.balances(call.account)}
        listed = []
        for name in sorted(names | set(balances)):
            known = balances.get(name)
            free, locked = ZERO, ZERO
            if known is not None:
                free = padded(format_units(known.row.available, known.scale))
                locked = padded(format_units(known.row.held, known.scale))
            listed.append(
                {
                    "coin": name,
                    "name": name,
                    "depositAllEnable": False,
                    "withdrawAllEnable": False,
                    "free": free,
                    "locked": locked,
                    "freeze": ZERO,
                    "withdrawing": ZERO,
                    "ipoing": ZERO,
                    "ipoable": ZERO,
                    "storage": ZERO,
                    "isLegalMoney": False,
                    "trading": True,
                    "networkList": [],
                }
            )
        return listed

    def trade_fees(self, call: Call) -> list[Json]:
        """Return the fees of a symbol or of all."""
        symbol = call.parameters.text("symbol")
        rates = self._fees.charged(call.account)
        if symbol is not None:
            return [trade_fee(self._symbols.market(call.tenant, symbol), rates)]
        return [trade_fee(market, rates) for market in self._symbols.all(call.tenant).values()]


def _nothing(_call: Call) -> list[Json]:
    return []
