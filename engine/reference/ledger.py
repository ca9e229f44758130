"""Accounts, balances and what a command has touched.

Every change of a balance goes through here; a balance that would turn negative is a bug, found
before it is written.
"""

from engine.errors import InvariantViolation
from engine.reference.model import Account, Asset, Balance, Market, Order, Refusal
from wire import layout as w


class Ledger:
    """Who has what, who pays which fees, and the facts of the command being decided."""

    def __init__(
        self,
        *,
        orders: int = 1 << 20,
        accounts: int = 1 << 20,
        balances: int = 1 << 21,
        holds: int = 1 << 16,
        remembered_ids: int = 1 << 20,
    ) -> None:
        self.capacity_orders = orders
        self.capacity_accounts = accounts
        self.capacity_balances = balances
        self.capacity_holds = holds
        self.capacity_ids = remembered_ids
        self.sequence = 0
        self.time_ms = 0
        self.trade_id = 0
        self.assets: dict[int, Asset] = {}
        self.markets: dict[int, Market] = {}
        self.tiers: dict[tuple[int, int], tuple[int, int]] = {}
        self.tenants: set[int] = set()
        self.accounts: dict[int, Account] = {}
        self.balances: dict[tuple[int, int], Balance] = {}
        self.orders: dict[int, Order] = {}
        self.hold_count = 0
        # Facts of the command being decided. A balance or level is stated once, where it is
        # touched first, and kept true until the command ends.
        self.facts: list[list[int]] = []
        self.stated_balances: dict[tuple[int, int], list[int]] = {}
        self.stated_levels: dict[tuple[int, int, int], list[int]] = {}
        self.touched_markets: dict[int, None] = {}

    # --- finding ----------------------------------------------------------------------------------

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """Return (available, held) in ledger units; zeros for what does not exist."""
        balance = self.balances.get((account, asset))
        return (balance.available, balance.held) if balance else (0, 0)

    def _available(self, account: int, asset: int) -> int:
        return self.balance(account, asset)[0]

    def _asset_for(self, number: int, tenant: int) -> Asset:
        asset = self.assets.get(number)
        if asset is None:
            raise Refusal(w.REASON_UNKNOWN_ASSET)
        if asset.tenant != tenant:
            raise Refusal(w.REASON_WRONG_TENANT)
        return asset

    def _market_for(self, number: int, tenant: int) -> Market:
        market = self.markets.get(number)
        if market is None:
            raise Refusal(w.REASON_UNKNOWN_MARKET)
        if market.tenant != tenant:
            raise Refusal(w.REASON_WRONG_TENANT)
        return market

    def _is_frozen(self, number: int) -> bool:
        account = self.accounts.get(number)
        return account is not None and account.state == w.ACCOUNT_STATE_FROZEN

    # --- making room ------------------------------------------------------------------------------

    def _require_room(self, *pairs: tuple[int, int]) -> None:
        """Refuse unless the accounts and balances that do not exist yet still fit."""
        accounts = {account for account, _ in pairs if account not in self.accounts}
        balances = {pair for pair in pairs if pair not in self.balances}
        if (
            len(self.accounts) + len(accounts) > self.capacity_accounts
            or len(self.balances) + len(balances) > self.capacity_balances
        ):
            raise Refusal(w.REASON_CAPACITY_EXHAUSTED)

    def open_account(self, number: int) -> Account:
        """Return an account, made if it is not there."""
        if number not in self.accounts:
            self.accounts[number] = Account(number)
        return self.accounts[number]

    def _open_balance(self, account: int, asset: int) -> None:
        self.open_account(account)
        if (account, asset) not in self.balances:
            self.balances[account, asset] = Balance(account, asset)

    # --- moving -----------------------------------------------------------------------------------

    def _change(self, account: int, asset: int, available: int = 0, held: int = 0) -> None:
        """Add to an account's available and held balance; both stay >= 0."""
        balance = self.balances[account, asset]
        balance.available += available
        balance.held += held
        if balance.available < 0 or balance.held < 0:
            raise InvariantViolation(f"negative balance of account {account}, asset {asset}")
        if (account, asset) not in self.stated_balances:
            fact = [w.EVENT_BALANCE << w.EVENT_KIND_SHIFT | asset, account, 0, 0]
            self.stated_balances[account, asset] = fact
            self.facts.append(fact)
        self.stated_balances[account, asset][2:] = [balance.available, balance.held]

    def _reserve(self, order: Order) -> None:
        """Set aside what an order that starts to wait will need."""
        amount = order.reserve
        self._change(order.account.number, order.reserve_asset, -amount, amount)

    def _unreserve(self, order: Order) -> None:
        """Give back what is set aside for an order."""
        amount = order.reserve
        self._change(order.account.number, order.reserve_asset, amount, -amount)

    def _fees(self, account: Account) -> tuple[int, int]:
        """Return the account's (maker, taker) fees in ppm."""
        return self.tiers.get((account.tenant, account.tier), (0, 0))

    # --- facts ------------------------------------------------------------------------------------

    def _state(self, kind: int, *words: int) -> None:
        """State a fact whose kind has its first word for itself."""
        self.facts.append([kind << w.EVENT_KIND_SHIFT, *words])

    def _emit_order(self, order: Order, *, with_terms: bool = False) -> None:
        self.facts.append(
            [
                w.EVENT_ORDER << w.EVENT_KIND_SHIFT
                | order.market.number << w.EVENT_MARKET_SHIFT
                | order.terms,
                order.order_id,
                order.account.number,
                order.id_high,
                order.id_low,
                order.price,
                order.quantity,
                order.remaining,
                order.filled_quote,
            ],
        )
        rare = [
            order.trigger_price,
            order.display_quantity,
            order.expire_ms,
            order.quote_amount,
        ]
        if with_terms and any(rare):
            self._state(w.EVENT_ORDER_CONDITIONS, order.order_id, *rare)

    def _touch_level(self, market: Market, side: int, price: int) -> None:
        key = (market.number, side, price)
        if key not in self.stated_levels:
            fact = w.EVENT_LEVEL << w.EVENT_KIND_SHIFT | market.number << w.LEVEL_MARKET_SHIFT
            self.stated_levels[key] = [fact | side << w.LEVEL_SIDE_SHIFT | price, 0]
            self.facts.append(self.stated_levels[key])

    def _finish_facts(self) -> list[int]:
        """Return all that the command states, with the final quantities of levels."""
        for (market, side, price), fact in self.stated_levels.items():
            level = self.markets[market].side(side).levels.get(price, [])
            fact[-1] = sum(order.visible for order in level)
        for market in self.touched_markets:
            state = self.markets[market]
            self._state(
                w.EVENT_MARKET,
                market,
                state.state,
                state.last_price,
                state.reference_price,
                state.indicative_price,
                state.indicative_quantity,
            )
        self.stated_balances.clear()
        self.stated_levels.clear()
        self.touched_markets.clear()
        return [word for fact in self.facts for word in fact]
