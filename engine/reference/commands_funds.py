"""The commands about money and settings."""

from engine.reference.commands_changes import ChangeCommands
from engine.reference.model import Account, Asset, Hold, Limits, Market, Refusal
from wire import layout as w


class FundsCommands(ChangeCommands):
    """Deposits, withdrawals, transfers; assets, markets, tiers, accounts; time and epochs."""

    # --- funds ------------------------------------------------------------------------------------

    @staticmethod
    def _require_amount(amount: int) -> None:
        if not 0 < amount <= w.AMOUNT_MAX:
            raise Refusal(w.REASON_AMOUNT_OUT_OF_RANGE)

    def _credit(self, account: int, command: list[int]) -> int:
        asset = self._asset_for(command[w.FUNDS_ASSET], w.account_tenant(account))
        amount = command[w.FUNDS_AMOUNT]
        self._require_amount(amount)
        if amount > w.AMOUNT_MAX - asset.supply:
            raise Refusal(w.REASON_SUPPLY_LIMIT)
        self._require_room((account, asset.number))
        self._open_balance(account, asset.number)
        self._change(account, asset.number, amount)
        asset.supply += amount
        return 0

    def _debit(self, account: int, command: list[int]) -> int:
        asset = self._asset_for(command[w.FUNDS_ASSET], w.account_tenant(account))
        amount = command[w.FUNDS_AMOUNT]
        if self._is_frozen(account):
            raise Refusal(w.REASON_ACCOUNT_FROZEN)
        self._require_amount(amount)
        if amount > self._available(account, asset.number):
            raise Refusal(w.REASON_INSUFFICIENT_BALANCE)
        self._change(account, asset.number, -amount)
        asset.supply -= amount
        return 0

    def _hold(self, account: int, command: list[int]) -> int:
        asset = self._asset_for(command[w.FUNDS_ASSET], w.account_tenant(account))
        amount, hold_id = command[w.FUNDS_AMOUNT], command[w.FUNDS_HOLD_ID]
        known = self.accounts.get(account)
        if known and hold_id in known.holds:
            raise Refusal(w.REASON_HOLD_EXISTS)
        if self._is_frozen(account):
            raise Refusal(w.REASON_ACCOUNT_FROZEN)
        self._require_amount(amount)
        if known is None or amount > self._available(account, asset.number):
            raise Refusal(w.REASON_INSUFFICIENT_BALANCE)
        if self.hold_count >= self.capacity_holds:
            raise Refusal(w.REASON_CAPACITY_EXHAUSTED)
        known.holds[hold_id] = Hold(hold_id, asset.number, amount)
        self.hold_count += 1
        self._change(account, asset.number, -amount, amount)
        self._state(w.EVENT_HOLD, account, hold_id, asset.number, amount)
        return 0

    def _release(self, account: int, command: list[int]) -> int:
        asset, amount = self._take_from_hold(account, command)
        self._change(account, asset.number, amount, -amount)
        return 0

    def _settle_hold(self, account: int, command: list[int]) -> int:
        asset, amount = self._take_from_hold(account, command)
        self._change(account, asset.number, held=-amount)
        asset.supply -= amount
        return 0

    def _take_from_hold(self, account: int, command: list[int]) -> tuple[Asset, int]:
        """Lessen a hold by an amount, 0 = all of it; the caller moves the money."""
        asset = self._asset_for(command[w.FUNDS_ASSET], w.account_tenant(account))
        known = self.accounts.get(account)
        hold = known.holds.get(command[w.FUNDS_HOLD_ID]) if known else None
        if known is None or hold is None or hold.asset != asset.number:
            raise Refusal(w.REASON_UNKNOWN_HOLD)
        amount = command[w.FUNDS_AMOUNT] or hold.amount
        if not 0 < amount <= hold.amount:
            raise Refusal(w.REASON_AMOUNT_OUT_OF_RANGE)
        hold.amount -= amount
        if not hold.amount:
            del known.holds[hold.hold_id]
            self.hold_count -= 1
        self._state(w.EVENT_HOLD, account, hold.hold_id, asset.number, hold.amount)
        return asset, amount

    def _transfer(self, account: int, command: list[int]) -> int:
        amount, to_account = command[w.FUNDS_AMOUNT], command[w.FUNDS_TO_ACCOUNT]
        if not 0 < w.account_tenant(to_account) <= w.TENANT_MAX:
            raise Refusal(w.REASON_UNKNOWN_ACCOUNT)
        asset = self._asset_for(command[w.FUNDS_ASSET], w.account_tenant(account))
        if w.account_tenant(to_account) != asset.tenant:
            raise Refusal(w.REASON_WRONG_TENANT)
        if self._is_frozen(account):
            raise Refusal(w.REASON_ACCOUNT_FROZEN)
        self._require_amount(amount)
        if to_account == account:
            raise Refusal(w.REASON_NOTHING_TO_CHANGE)
        if amount > self._available(account, asset.number):
            raise Refusal(w.REASON_INSUFFICIENT_BALANCE)
        self._require_room((to_account, asset.number))
        self._open_balance(to_account, asset.number)
        self._change(account, asset.number, -amount)
        self._change(to_account, asset.number, amount)
        return 0

    # --- definitions ------------------------------------------------------------------------------

    def _define_asset(self, _: int, command: list[int]) -> int:
        asset = Asset(*command[w.DEFINE_ASSET_ASSET : w.DEFINE_ASSET_SYMBOL_LOW + 1])
        if not 0 < asset.tenant <= w.TENANT_MAX:
            raise Refusal(w.REASON_UNKNOWN_TENANT)
        if asset.number in self.assets:
            raise Refusal(w.REASON_ALREADY_DEFINED)
        if not 0 < asset.number <= w.ASSET_MAX or not 0 <= asset.scale <= w.SCALE_MAX:
            raise Refusal(w.REASON_INVALID_SETTING)
        self.assets[asset.number] = asset
        self.tenants.add(asset.tenant)
        words = command[w.DEFINE_ASSET_ASSET : w.DEFINE_ASSET_SYMBOL_LOW + 1]
        self._state(w.EVENT_ASSET, *words)
        return 0

    def _define_market(self, _: int, command: list[int]) -> int:
        words = command[w.DEFINE_MARKET_MARKET : w.DEFINE_MARKET_SYMBOL_LOW + 1]
        market = Market.of_words(words)
        if market.tenant not in self.tenants:
            raise Refusal(w.REASON_UNKNOWN_TENANT)
        base, quote = self.assets.get(market.base), self.assets.get(market.quote)
        if base is None or quote is None:
            raise Refusal(w.REASON_UNKNOWN_ASSET)
        if market.tenant not in (base.tenant, quote.tenant) or base.tenant != quote.tenant:
            raise Refusal(w.REASON_WRONG_TENANT)
        if market.number in self.markets:
            raise Refusal(w.REASON_ALREADY_DEFINED)
        if (
            not 0 < market.number <= w.MARKET_MAX
            or market.base == market.quote
            or not 0 < market.lot_units <= w.AMOUNT_MAX
            or not 0 < market.tick_units <= w.AMOUNT_MAX
            or not w.STATE_OPEN <= market.state <= w.STATE_AUCTION
        ):
            raise Refusal(w.REASON_INVALID_SETTING)
        # The fee account's balances exist from the start, so that no trade has to make them.
        fee_account = w.account_number(market.tenant, 0)
        self._require_room((fee_account, market.base), (fee_account, market.quote))
        self._open_balance(fee_account, market.base)
        self._open_balance(fee_account, market.quote)
        self.markets[market.number] = market
        self._state(w.EVENT_MARKET_DEFINITION, *words)
        self.touched_markets[market.number] = None
        return 0

    def _find_market(self, number: int) -> Market:
        if number not in self.markets:
            raise Refusal(w.REASON_UNKNOWN_MARKET)
        return self.markets[number]

    def _set_market_limits(self, _: int, command: list[int]) -> int:
        words = command[w.LIMITS_MARKET : w.LIMITS_REFERENCE_INTERVAL_MS + 1]
        market = self._find_market(words[0])
        bounds = (
            w.AMOUNT_MAX,
            min(w.QUANTITY_MAX, w.AMOUNT_MAX // market.lot_units),
            min(w.PRICE_MAX, w.AMOUNT_MAX // market.tick_units),
            w.COLLAR_PPM_MAX,
            w.COLLAR_PPM_MAX,
            w.COLLAR_PPM_MAX,
            w.TIME_MS_MAX,
        )
        if not all(0 <= word <= most for word, most in zip(words[1:], bounds, strict=True)):
            raise Refusal(w.REASON_INVALID_SETTING)
        market.limits = Limits(*words[1:])
        self._state(w.EVENT_MARKET_LIMITS, *words)
        return 0

    def _set_market_state(self, _: int, command: list[int]) -> int:
        market = self._find_market(command[w.SET_STATE_MARKET])
        state, reference = command[w.SET_STATE_STATE], command[w.SET_STATE_REFERENCE_PRICE]
        if not w.STATE_OPEN <= state <= w.STATE_AUCTION or not 0 <= reference <= w.PRICE_MAX:
            raise Refusal(w.REASON_INVALID_SETTING)
        if reference:
            market.reference_price = reference
            market.reference_until_ms = self.time_ms + market.limits.reference_interval_ms
        self._change_state(market, state)
        return 0

    def _set_fee_tier(self, _: int, command: list[int]) -> int:
        tenant, tier, maker_ppm, taker_ppm = command[w.FEE_TIER_TENANT : w.FEE_TIER_TAKER_PPM + 1]
        if tenant not in self.tenants:
            raise Refusal(w.REASON_UNKNOWN_TENANT)
        if (
            not 0 <= tier <= w.TIER_MAX
            or not -w.FEE_PPM_MAX <= maker_ppm <= w.FEE_PPM_MAX
            or not 0 <= taker_ppm <= w.FEE_PPM_MAX
        ):
            raise Refusal(w.REASON_INVALID_SETTING)
        tiers = {(tenant, 0): (0, 0), **self.tiers, (tenant, tier): (maker_ppm, taker_ppm)}
        own = [fees for (owner, _), fees in tiers.items() if owner == tenant]
        # Any two accounts may meet, so the least taker fee must pay the largest rebate.
        if min(maker for maker, _ in own) + min(taker for _, taker in own) < 0:
            raise Refusal(w.REASON_FEES_BELOW_REBATE)
        self.tiers[tenant, tier] = (maker_ppm, taker_ppm)
        self._state(w.EVENT_FEE_TIER, tenant, tier, maker_ppm, taker_ppm)
        return 0

    def _set_account(self, account: int, command: list[int]) -> int:
        tier, group, state = command[w.SET_ACCOUNT_TIER : w.SET_ACCOUNT_STATE + 1]
        tenant = w.account_tenant(account)
        if tenant not in self.tenants:
            raise Refusal(w.REASON_UNKNOWN_TENANT)
        if (
            (tier and (tenant, tier) not in self.tiers)
            or not 0 <= group <= w.ACCOUNT_INDEX_MAX
            or state not in (w.ACCOUNT_STATE_ACTIVE, w.ACCOUNT_STATE_FROZEN)
        ):
            raise Refusal(w.REASON_INVALID_SETTING)
        if account not in self.accounts and len(self.accounts) >= self.capacity_accounts:
            raise Refusal(w.REASON_CAPACITY_EXHAUSTED)
        known: Account = self.open_account(account)
        known.tier, known.stp_group, known.state = tier, group, state
        self._state(w.EVENT_ACCOUNT, account, tier, group, state)
        return 0

    # --- time and epochs --------------------------------------------------------------------------

    def _advance_time(self, _: int, command: list[int]) -> int:
        self.time_ms = max(self.time_ms, command[w.HEADER_TIME_MS])
        due = [o for o in self.orders.values() if 0 < o.expire_ms <= self.time_ms]
        for order in sorted(due, key=lambda order: (order.expire_ms, order.order_id)):
            self._close(order, w.STATUS_EXPIRED, w.CLOSE_EXPIRED)
        armed = [a for a in self.accounts.values() if 0 < a.deadline_ms <= self.time_ms]
        for account in sorted(armed, key=lambda account: (account.deadline_ms, account.number)):
            account.deadline_ms = 0
            self._state(w.EVENT_COUNTDOWN, account.number, 0)
            self._close_all(account.number, 0, w.SIDE_BOTH, w.CLOSE_COUNTDOWN_ELAPSED)
        for market in sorted(self.markets.values(), key=lambda market: market.number):
            if market.state == w.STATE_AUCTION:
                self._publish_indicative(market)
        return 0

    def _epoch(self, _: int, command: list[int]) -> int:
        words = command[w.EPOCH_EPOCH : w.EPOCH_WORKER_LOW + 1]
        if words[0] < 0:
            raise Refusal(w.REASON_INVALID_SETTING)
        self.epoch = words
        self._state(w.EVENT_EPOCH, *words)
        return 0

    # Epoch and worker of the last epoch command.
    epoch: list[int]

    def _reject(self, _: int, command: list[int]) -> int:
        reason = command[w.REJECT_REASON]
        known = 0 < reason <= w.REASON_LAST
        raise Refusal(reason if known else w.REASON_MALFORMED_COMMAND)
