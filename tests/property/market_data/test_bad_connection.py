"""The reference client behind a proxy that cuts, drops, repeats and reorders what the feed sends.

Thousands of random operations; two processes of the feeds, whose batches overlap; read models that
are late. The client asks again where it sees a loss, as docs/examples/feed_client.py does. Whatever
it holds without seeing one is what the engine had at that moment: no loss is unseen. In the end its
book, fills and balances are the engine's.
"""

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from bursa.dialects.native.row_presentation import balance_from_row, fill_from_row, trade_from_row
from bursa.dialects.native.socket_requests import handle_request
from bursa.journal.record import decode_record
from bursa.kernel.amounts import Lots, Ticks, format_units
from bursa.market_data.subscriptions import SNAPSHOT_FILLS
from tests.doubles.feed_example import FEED_CLIENT
from tests.doubles.ids import IDS, PUBLIC_IDS
from tests.doubles.shard import ALICE, BOB, BTC, BTC_USDT, USDT, Shard, buy, sell, stream_records
from tests.property.market_data.test_gaps import CLIENT
from tests.property.market_data.test_live_markets import (
    DEEP,
    VIEWS,
    Follower,
    Truth,
    assert_states_hold_the_truth,
)
from wire import codec
from wire import layout as w

SCALES = {"BTC": 8, "USDT": 10}
OPERATIONS_AT_ONCE = 4
# The client looks now and then whether what it asked for has come.
ASKED_AGAIN_EVERY = 10
CHECKED_EVERY = 5
# As many of a list as are compared; what is older was compared before.
KEPT = 500


class BadConnection(Follower):
    """A client, and the proxy between it and the exchange."""

    def __init__(self, shard: Shard, random: Random) -> None:
        super().__init__(shard)
        self.random = random
        self.now_ms = shard.time_ms
        self.is_calm = self.is_cut = False
        self.seen: Counter[str] = Counter()
        self._late: list[tuple[int, bytes]] = []
        self._wanted: set[str] = set()

    # --- the proxy --------------------------------------------------------------------------------

    def _receive(self, body: bytes) -> None:
        fate = "passed" if self.is_calm else self._fate()
        if self.is_cut:
            fate = "cut"
        self.seen[fate] += 1
        if fate == "delayed":
            self._late.append((self.random.randint(1, 8), body))
        elif fate in {"passed", "repeated"}:
            for _ in range(1 if fate == "passed" else 2):
                self._reach(body)
            self._deliver_late()

    def _fate(self) -> str:
        names = ["passed", "dropped", "repeated", "delayed"]
        return self.random.choices(names, [100, 2, 4, 4])[0]

    def _deliver_late(self) -> None:
        due = [body for left, body in self._late if left == 1]
        self._late = [(left - 1, body) for left, body in self._late if left > 1]
        for body in due:
            self._reach(body)

    def cut(self) -> None:
        """Lose the connection, with all that is on its way."""
        self.is_cut = True
        self._late.clear()

    # --- the client -------------------------------------------------------------------------------

    def _reach(self, body: bytes) -> None:
        message: dict[str, Any] = json.loads(body)
        name = message.get("channel")
        if name is None:
            self.seen[message["type"]] += 1
            return
        copy = self.followed[name]
        was_stale = copy.is_stale
        copy.receive(message)
        if copy.is_stale and not was_stale:
            self.seen["loss"] += 1
            self._wanted.add(name)

    def connect_again(self) -> None:
        """Resume where the client was on a new connection."""
        self.is_cut = False
        self.resume()

    def ask_again(self) -> None:
        """Subscribe to what was found stale, and to what has not begun."""
        while self._wanted and not self.is_cut:
            wanted = sorted(self._wanted)
            self._wanted.clear()
            self._ask({"op": "subscribe", "channels": wanted})

    def look(self) -> None:
        """Ask once more for what did not come."""
        copies = self.followed.items()
        self._wanted |= {name for name, copy in copies if copy.is_missing}

    def _ask(self, request: dict[str, Any]) -> None:
        text = json.dumps(request)
        self._take(list(handle_request(self.subscriptions, CLIENT, text, self.now_ms, PUBLIC_IDS)))


class Run:
    """Random operations on an exchange, and what becomes of its records."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.shard = Shard()
        self.shard.run(
            codec.encode_funds(w.COMMAND_CREDIT, ALICE, BTC, 10**12),
            codec.encode_funds(w.COMMAND_CREDIT, BOB, USDT, 10**15),
        )
        self.shard.run(*DEEP)
        self.truth = Truth(self.shard)
        self.world = BadConnection(self.shard, self.random)
        self.world.projector.project(stream_records(self.shard.records))
        self.world.subscribe()
        self._sent = self._projected = len(self.shard.records)
        self._orders: list[tuple[int, int]] = []
        self._cut_left = 0

    def operations(self, count: int) -> None:
        """Run operations, and check what the client holds as they go."""
        done = turns = 0
        while done < count:
            batch = [self._operation() for _ in range(self.random.randint(1, OPERATIONS_AT_ONCE))]
            self._commit(batch)
            done, turns = done + len(batch), turns + 1
            self._turn(turns)
            if turns % CHECKED_EVERY == 0:
                self.check()

    def _turn(self, turns: int) -> None:
        world, random = self.world, self.random
        if random.random() < 0.02 and not world.is_cut:
            world.cut()
            self._cut_left = random.randint(1, 30)
        if random.random() < 0.8:
            self._project()
        self._publish()
        if world.is_cut:
            self._cut_left -= 1
            if self._cut_left == 0:
                world.connect_again()
        if turns % ASKED_AGAIN_EVERY == 0:
            world.look()
        world.ask_again()

    def _operation(self) -> bytes:
        random = self.random
        account = random.choice([ALICE, BOB])
        if self._orders and random.random() < 0.25:
            owner, order_id = self._orders.pop(random.randrange(len(self._orders)))
            return codec.encode_cancel(owner, order_id)
        if random.random() < 0.01:
            states = [w.STATE_OPEN, w.STATE_OPEN, w.STATE_AUCTION, w.STATE_CANCEL_ONLY]
            return codec.encode_set_market_state(BTC_USDT, random.choice(states))
        if random.random() < 0.02:
            return codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN)
        place = random.choice([buy, sell])
        return place(account, random.randint(75, 125), random.randint(1, 60))

    def _commit(self, batch: list[bytes]) -> None:
        first = self.shard.next_sequence
        after_ms = self.random.choice([10] * 40 + [1_500, 70_000])
        record = self.shard.run(*batch, after_ms=after_ms)
        for place, command in enumerate(batch):
            (decoded,) = codec.decode_commands(command)
            if decoded.kind == w.COMMAND_PLACE:
                self._orders.append((decoded.account, first + place))
        self.truth.take(decode_record(record))
        self.world.now_ms = self.shard.time_ms

    def _project(self) -> None:
        new = self.shard.records[self._projected :]
        self.world.projector.project(stream_records(new))
        self._projected = len(self.shard.records)

    def _publish(self) -> None:
        """Publish what is new, by any process; sometimes again, with records from before."""
        records, random = self.shard.records, self.random
        if random.random() < 0.01:
            self.world.processes[random.randrange(2)] = self.world.new_process()
        if random.random() < 0.2:
            return  # with the next
        again = random.randint(0, 3) if random.random() < 0.1 else 0
        random.choice(self.world.processes).publish(records[max(0, self._sent - again) :])
        self._sent = len(records)

    # --- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        """Require of every copy that does not know of a loss that it is the engine's."""
        world, truth = self.world, self.truth
        for name, depth in VIEWS.items():
            copy = world.followed[name]
            if copy.last is not None and not copy.is_stale:
                assert copy.mismatches == 0
                assert (copy.bids, copy.asks) == truth.levels(copy.last, depth), name
                world.seen["checked"] += 1
        assert_states_hold_the_truth(world, truth)
        market = truth.market
        self._check_list(
            "fills", [dict(fill_from_row(row, market, IDS)) for row in truth.fills[-KEPT:]]
        )
        self._check_list(
            "trades:BTC-USDT",
            [dict(trade_from_row(row, market, IDS)) for row in truth.trades[-KEPT:]],
        )
        self._check_balances()

    def _check_list(self, name: str, entries: list[dict[str, Any]]) -> None:
        """Require that no entry of a list is wrong, and that none lacks up to its moment."""
        copy = self.world.followed[name]
        if copy.last is None or copy.is_stale:
            return
        names = FEED_CLIENT.KEYS[copy.kind]
        known = {tuple(entry[one] for one in names): entry for entry in entries}
        oldest_ms = min((one["time_ms"] for one in copy.entries.values()), default=0)
        first_ms = entries[0]["time_ms"] if len(entries) == KEPT else -1
        for key, entry in copy.entries.items():
            if entry["time_ms"] > first_ms:
                assert {name: known[key][name] for name in entry} == entry
        # Of its oldest moment, a snapshot may have some only.
        due = {
            key
            for key, entry in known.items()
            if max(oldest_ms, first_ms) < entry["time_ms"] <= copy.last
        }
        assert due <= copy.entries.keys()
        self.world.seen["entries checked"] += len(due)

    def _check_balances(self) -> None:
        copy = self.world.followed["balances"]
        if copy.last is None or copy.is_stale:
            return
        for entry in copy.entries.values():
            row = self.truth.balances[entry["asset"]][entry["sequence"]]
            told = dict(balance_from_row(row, SCALES[row.asset]))
            assert {name: told[name] for name in entry} == entry

    def end(self) -> None:
        """Let everything arrive, and require that the client has what the engine has."""
        world = self.world
        world.is_calm = True
        self._commit([codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN)])
        self._project()
        world.connect_again()
        world.look()
        world.ask_again()
        for _ in range(3):
            self._commit([buy(ALICE, 90, 1), sell(BOB, 90, 2), buy(ALICE, 90, 1)])
            self._project()
            world.processes[0].publish(self.shard.records[self._sent :])
            self._sent = len(self.shard.records)
            world.ask_again()
        self.check()
        assert [name for name, copy in world.followed.items() if copy.is_stale] == []
        newest_ms = self.shard.time_ms
        for name, depth in VIEWS.items():
            copy = world.followed[name]
            assert (copy.bids, copy.asks) == self.truth.levels(newest_ms, depth), name
        self._check_engine()

    def _check_engine(self) -> None:
        """Require what the engine itself says, not what is made of its events."""
        units = self.truth.market.units
        bids, asks = self.shard.engine.book(BTC_USDT)
        whole = self.world.followed["book:BTC-USDT"]
        for held, levels in ((whole.bids, bids), (whole.asks, asks)):
            assert held == {
                units.price_text(Ticks(price)): units.quantity_text(Lots(lots))
                for price, lots in levels
            }
        entries = {entry["asset"]: entry for (_,), entry in self._copy("balances").items()}
        for asset, number in (("BTC", BTC), ("USDT", USDT)):
            available, in_orders = self.shard.engine.balance(ALICE, number)
            told = entries[asset]["available"], entries[asset]["held"]
            assert told == tuple(
                format_units(units, SCALES[asset]) for units in (available, in_orders)
            )

    def _copy(self, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        entries: dict[tuple[Any, ...], dict[str, Any]] = self.world.followed[name].entries
        return entries


def run_of(seed: int, count: int) -> Counter[str]:
    run = Run(seed)
    run.operations(count)
    run.end()
    seen = run.world.seen
    assert min(seen[fate] for fate in ("cut", "dropped", "repeated", "delayed", "loss")) > 0, seen
    assert len(run.truth.fills) > SNAPSHOT_FILLS
    return seen


@pytest.mark.parametrize("seed", range(2))
def test_no_loss_is_unseen(seed: int) -> None:
    run_of(seed, 400)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_no_loss_is_unseen_in_ten_thousand_operations() -> None:
    seen = run_of(10_000, 10_000)
    assert seen["checked"] > 2_000, seen
