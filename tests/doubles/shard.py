"""A shard in miniature: the reference engine, and a journal of the records that it fills."""

from collections.abc import Iterable, Iterator
from typing import Any

from bursa.journal.record import (
    GENESIS_HASH,
    EncodedRecord,
    JournalRecord,
    decode_record,
    encode_record,
)
from bursa.journal.stream import StreamRecord
from engine.reference import Engine
from wire import codec
from wire import layout as w

ALICE, BOB = w.account_number(1, 1), w.account_number(1, 2)
BTC, USDT = 1, 2
BTC_USDT = 1
NOON_MS = 1_700_000_000_000


def opening(tenant: int) -> tuple[bytes, ...]:
    """Return the commands that define a market, and give its first user USDT, its second BTC."""
    return (
        codec.encode_define_asset(BTC, tenant, 8, "BTC"),
        codec.encode_define_asset(USDT, tenant, 10, "USDT"),
        codec.encode_define_market(
            BTC_USDT, tenant, BTC, USDT, lot_units=1, tick_units=1, symbol="BTC-USDT"
        ),
        codec.encode_set_fee_tier(tenant, 0, 1_000, 2_000),
        codec.encode_set_market_limits(BTC_USDT, min_notional=5),
        codec.encode_funds(w.COMMAND_CREDIT, w.account_number(tenant, 1), USDT, 10**15),
        codec.encode_funds(w.COMMAND_CREDIT, w.account_number(tenant, 2), BTC, 10**12),
    )


OPENING = opening(1)


def buy(account: int, price: int, quantity: int, **terms: Any) -> bytes:
    return codec.encode_place(account, BTC_USDT, w.SIDE_BUY, price, quantity, **terms)


def sell(account: int, price: int, quantity: int, **terms: Any) -> bytes:
    return codec.encode_place(account, BTC_USDT, w.SIDE_SELL, price, quantity, **terms)


class Shard:
    """Applies batches of commands and keeps their records, as a worker would."""

    def __init__(self, *, opened: bool = True, number: int = 0, tenant: int = 1) -> None:
        self.number = number
        self.epoch = 1
        self.engine = Engine()
        self.records: list[EncodedRecord] = []
        self.time_ms = NOON_MS
        if opened:
            self.run(*opening(tenant))

    def run(
        self, *commands: bytes, client_order_ids: dict[int, str] | None = None, after_ms: int = 10
    ) -> EncodedRecord:
        """Commit one batch; `client_order_ids` holds client order ids by position."""
        self.time_ms += after_ms
        batch = (codec.encode_advance_time(self.time_ms), *commands)
        last = self.records[-1] if self.records else None
        first_sequence = last.last_sequence + 1 if last else 1
        events = self.engine.apply(b"".join(batch))
        record = JournalRecord(
            shard=self.number,
            number=last.number + 1 if last else 1,
            first_sequence=first_sequence,
            last_sequence=first_sequence + len(batch) - 1,
            epoch=self.epoch,
            time_ms=self.time_ms,
            state_digest=self.engine.digest(),
            batch_id=bytes(16),
            commands=b"".join(batch),
            events=events,
            client_order_ids={
                first_sequence + 1 + position: text
                for position, text in (client_order_ids or {}).items()
            },
            previous_hash=last.hash if last else GENESIS_HASH,
        )
        self.records.append(encode_record(record))
        return self.records[-1]

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Read as the journal port does."""
        for record in self.records:
            if first_sequence <= record.first_sequence <= last_sequence:
                yield record

    def plain(self) -> list[JournalRecord]:
        """Open every record."""
        return [decode_record(record) for record in self.records]

    @property
    def next_sequence(self) -> int:
        """Sequence of the first command of the next batch, after its time."""
        return self.records[-1].last_sequence + 2


def stream_records(records: Iterable[EncodedRecord]) -> list[StreamRecord]:
    """Name each record by its number, as a stream would by its own sequence number."""
    return [StreamRecord(f"stream-{record.number}", record) for record in records]
