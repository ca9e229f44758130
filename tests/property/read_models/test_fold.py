"""However the stream cuts, repeats, loses and mixes records, the same rows come out."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.journal.record import EncodedRecord
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import (
    OPEN_STATUSES,
    OrderRow,
    from_attributes,
)
from tests.doubles.shard import ALICE, BOB, BTC, BTC_USDT, USDT, Shard, buy, sell, stream_records
from wire import codec
from wire import layout as w

accounts = st.sampled_from([ALICE, BOB])
prices = st.integers(95, 105)
quantities = st.integers(1, 20)
order_ids = st.integers(9, 60)

commands = st.one_of(
    st.builds(buy, accounts, prices, quantities),
    st.builds(sell, accounts, prices, quantities),
    st.builds(
        lambda account, price, quantity: buy(
            account, price, quantity, display_quantity=1, stp=w.STP_DECREMENT
        ),
        accounts,
        prices,
        quantities,
    ),
    st.builds(
        lambda account, quantity: sell(account, 0, quantity, order_type=w.TYPE_MARKET),
        accounts,
        quantities,
    ),
    st.builds(codec.encode_cancel, accounts, order_ids),
    st.builds(
        lambda account, order_id, price: codec.encode_change(
            account, order_id, replace=True, price=price
        ),
        accounts,
        order_ids,
        prices,
    ),
    st.builds(
        lambda account, order_id, quantity: codec.encode_change(
            account, order_id, quantity=quantity
        ),
        accounts,
        order_ids,
        quantities,
    ),
    st.builds(codec.encode_cancel_all, accounts),
    st.builds(
        lambda account, asset, amount: codec.encode_funds(w.COMMAND_CREDIT, account, asset, amount),
        accounts,
        st.sampled_from([BTC, USDT]),
        quantities,
    ),
    st.just(codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN)),
)
histories = st.lists(st.lists(commands, max_size=6), min_size=1, max_size=12)


def shard_of(history: list[list[bytes]]) -> Shard:
    shard = Shard()
    for position, batch in enumerate(history):
        shard.run(*batch, client_order_ids={0: f"client-{position}"} if batch else None)
    return shard


def rows_in_one_go(shard: Shard) -> MemoryTables:
    tables = MemoryTables(0)
    Projector(0, shard, tables, unexpected).project(stream_records(shard.records))
    return tables


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


@st.composite
def stream_batches(draw: st.DrawFn, records: list[EncodedRecord]) -> list[list[EncodedRecord]]:
    """Batches of records in any order, some more than once, some never; the last one comes."""
    source = st.lists(st.sampled_from(records), max_size=8)
    batches = draw(st.lists(source, max_size=8))
    return [*batches, records[-1:]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, data=st.data())
def test_rows_depend_on_the_journal_alone(history: list[list[bytes]], data: st.DataObject) -> None:
    shard = shard_of(history)
    expected = rows_in_one_go(shard)
    tables = MemoryTables(0)
    # Few rows at a time, so that later records pass between the slices of earlier ones.
    rows = data.draw(st.sampled_from([1, 2, 5, 250]))
    processes = [Projector(0, shard, tables, unexpected, rows) for _ in range(2)]

    for batch in data.draw(stream_batches(shard.records)):
        process = data.draw(st.sampled_from(processes))
        assert process.project(stream_records(batch)).failed is None

    assert tables.items == expected.items


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories)
def test_book_is_the_sum_of_its_open_orders(history: list[list[bytes]]) -> None:
    tables = rows_in_one_go(shard_of(history))
    rows = [
        from_attributes(OrderRow, item)
        for (partition, sort), item in tables.items[Table.ORDERS].items()
        if sort.startswith("order#") and not partition.endswith("#open")
    ]
    open_names = {w.STATUS_NAMES[status] for status in OPEN_STATUSES}

    book = tables.book("t1", "BTC-USDT")

    assert book is not None
    for side, levels in (("buy", book.bids), ("sell", book.asks)):
        resting = [order for order in rows if order.side == side and order.status in open_names]
        assert {order.price for order in resting} == set(levels)
        for price, quantity in levels.items():
            here = [order for order in resting if order.price == price]
            hidden = any(order.display_quantity for order in here)
            total = sum(order.remaining for order in here)
            assert quantity == total or (hidden and 0 < quantity <= total)
