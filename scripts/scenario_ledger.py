"""A scenario's assets, markets and users, and the money that users have at the start."""

from collections.abc import Iterator

from scripts import scenario_words as words
from scripts.scenario_words import ScenarioError, Step, Units, find_value, mapping
from wire import layout as w
from wire.codec import (
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_set_fee_tier,
)

TENANT = 1
BASE, QUOTE = "BASE", "QUOTE"
UNITS = ("base_units_per_lot", "quote_units_per_step_lot")
FEES = ("maker_fee", "taker_fee")
KNOWN = ("base", "quote", *UNITS, *FEES)
# Which of two assets prices are in, when a scenario names them but not which is which.
QUOTES = ("USD", "USDT", "USDC", "EUR", "GBP", "JPY", "KRW", "IDR", "XBT", "BTC", "ETH")


class Ledger:
    """A scenario's assets, markets and users by number.

    Users with a deposit, at the start or in a step, own what they deposit; all others are rich.
    Orders that name no user are anybody's: buys and sells have an account each, so that they trade
    with each other as strangers do.
    """

    def __init__(self, scenario: Step) -> None:
        self.steps: list[Step] = scenario["steps"]
        self.deposits = {
            str(user): mapping(amounts, f"deposits of {user!r}")
            for user, amounts in mapping(scenario.get("deposits") or {}, "deposits").items()
        }
        self.common = mapping(scenario.get("ledger") or {}, "ledger")
        words.reject_unknown("ledger", self.common, KNOWN)
        self.definitions = self._definitions(scenario)
        self.markets = {name: 1 + index for index, name in enumerate(self.definitions)}
        names = [one[key] for one in self.definitions.values() for key in ("base", "quote")]
        self.assets = {name: 1 + index for index, name in enumerate(dict.fromkeys(names))}
        self.units = Units.of(scenario, self.definitions.values())
        paid_in = [step for step in self.steps if _is_deposit(step)]
        self.owners = {_user(step) for step in paid_in} | set(self.deposits)
        users = {_user(step) for step in self.steps} | self.owners
        self.users = {
            user: w.account_number(TENANT, 1 + index) for index, user in enumerate(sorted(users))
        }
        self.strangers = "" in users and "" not in self.owners
        self.seller = w.account_number(TENANT, 1 + len(users))

    # --- who and what there is --------------------------------------------------------------------

    def _definitions(self, scenario: Step) -> dict[str, Step]:
        """Return market name -> its base, quote, units and fees, those of steps included."""
        given = mapping(scenario.get("markets") or {}, "markets")
        base, quote = self._default_assets(scenario)
        common = {**self.common, "base": base, "quote": quote}
        found: dict[str, Step] = {}
        for name, one in given.items():
            words.reject_unknown(f"market {name!r}", mapping(one, f"market {name!r}"), KNOWN)
            found[words.normal_form(name)] = {**common, **_assets_in(name), **one}
        for step in self.steps:
            name = find_value(step, words.MARKET)
            if name is not None and words.normal_form(name) not in found:
                if given:
                    raise ScenarioError(f"unknown market {name!r}; known: {', '.join(given)}")
                own = {} if "base" in self.common or "quote" in self.common else _assets_in(name)
                found[words.normal_form(name)] = {**common, **own}
        return found or {"": common}

    def _default_assets(self, scenario: Step) -> tuple[str, str]:
        """Return base and quote of the market that no step names."""
        if "base" in self.common or "quote" in self.common:
            return str(self.common.get("base", BASE)), str(self.common.get("quote", QUOTE))
        held = [asset for amounts in self.deposits.values() for asset in amounts]
        held += [find_value(step, words.ASSET) for step in self.steps if _is_deposit(step)]
        names = [n for n in dict.fromkeys(map(str, held)) if n.upper() not in (BASE, QUOTE)]
        if not names or scenario.get("markets"):
            return BASE, QUOTE
        ranks = {n: QUOTES.index(n.upper()) for n in names if n.upper() in QUOTES}
        quote = min(ranks, key=ranks.__getitem__, default="")
        others = [n for n in names if n != quote]
        if not quote or len(others) > 1:
            raise ScenarioError(f"ledger must say which of {', '.join(names)} is base and quote")
        return (others[0] if others else BASE), quote

    def asset(self, name: object) -> int:
        """Return an asset's number; "base" and "quote" are those of the first market."""
        if str(name) in self.assets:
            return self.assets[str(name)]
        first = next(iter(self.definitions.values()))
        by_name = {words.normal_form(known): number for known, number in self.assets.items()}
        by_role = {role: self.assets[first[role]] for role in ("base", "quote")}
        number = {**by_role, **by_name}.get(words.normal_form(name))
        if number is None:
            raise ScenarioError(f"unknown asset {name!r}; known: {', '.join(self.assets)}")
        return number

    def market(self, name: object) -> int:
        """Return a market's number; the first one when no name is given."""
        return 1 if name is None else self.markets[words.normal_form(name)]

    def account(self, user: object) -> int:
        """Return a user's account."""
        return self.users["" if user is None else str(user)]

    def trader(self, user: object, side: int) -> int:
        """Return the account for an order of a user, or of none."""
        sells = user is None and side == w.SIDE_SELL
        return self.seller if sells and self.strangers else self.account(user)

    # --- setting it up ----------------------------------------------------------------------------

    def capacities(self, steps: int) -> dict[str, int]:
        """Return how large an engine must be; small ones are made and thrown away fast."""
        accounts = len(self.users) + 3
        return {
            "orders": steps + 8,
            "accounts": accounts,
            "balances": accounts * (len(self.assets) + 1),
            "holds": 1,
            "remembered_ids": steps + 8,
        }

    def commands(self) -> Iterator[bytes]:
        """Yield the commands that set the exchange up."""
        for name, number in self.assets.items():
            yield encode_define_asset(number, TENANT, 0, _symbol(name, f"A{number}"))
        yield from self._define_markets()
        rich = w.AMOUNT_MAX // (2 * (len(self.users) + 2))
        traders = [(user in self.owners, account) for user, account in self.users.items()]
        traders += [(False, self.seller)] if self.strangers else []
        for owns, account in traders:
            if not owns:
                for number in self.assets.values():
                    yield encode_funds(w.COMMAND_CREDIT, account, number, rich)
        for user, amounts in self.deposits.items():
            for asset, value in amounts.items():
                amount = words.scaled(words.number(value, "deposit"), self.units.money)
                if not 0 <= amount <= w.AMOUNT_MAX:
                    raise ScenarioError(f"deposit of {value} {asset} is out of range")
                if amount:
                    account, number = self.account(user), self.asset(asset)
                    yield encode_funds(w.COMMAND_CREDIT, account, number, amount)

    def _define_markets(self) -> Iterator[bytes]:
        fees = {
            tuple(words.fee_ppm(one.get(key) or 0) for key in FEES)
            for one in self.definitions.values()
        }
        if len(fees) > 1:
            raise ScenarioError("fees must be the same in all markets")
        for name, number in self.markets.items():
            one = self.definitions[name]
            lot, tick = (words.number(one.get(key, 1), key) for key in UNITS)
            lot_units = words.scaled(lot, self.units.money - self.units.quantity)
            tick_units = words.scaled(
                tick, self.units.money - self.units.quantity - self.units.price
            )
            if max(lot_units, tick_units) > w.AMOUNT_MAX:
                raise ScenarioError(f"{UNITS[0]} or {UNITS[1]} is out of range")
            yield encode_define_market(
                number,
                TENANT,
                self.assets[one["base"]],
                self.assets[one["quote"]],
                lot_units=lot_units,
                tick_units=tick_units,
                symbol=_symbol(name, f"M{number}"),
            )
        maker, taker = fees.pop()
        yield encode_set_fee_tier(TENANT, 0, maker, taker)


def _user(step: Step) -> str:
    user = find_value(step, words.USER)
    return "" if user is None else str(user)


def _is_deposit(step: Step) -> bool:
    return words.normal_form(step.get("op", "")) == "deposit"


def _assets_in(name: object) -> Step:
    """Return base and quote of a market whose name says them: BTC-USDT, ETH_XBT, LTC/EUR."""
    parts = str(name).replace("/", "-").replace("_", "-").split("-")
    two = len(parts) == len((BASE, QUOTE)) and all(parts) and parts[0] != parts[1]
    return {"base": parts[0], "quote": parts[1]} if two else {}


def _symbol(name: str, otherwise: str) -> str:
    """Return a name as the engine's symbol, which is short and plain."""
    fits = name.isascii() and 0 < len(name) <= w.WORD_BYTES * 2
    return name if fits else otherwise
