"""A checkpoint that stays as it was written: `python -m tests.unit.engine.golden` writes a new one.

For a new version of the format; what the engine said of itself then is stored beside it.
"""

import itertools
import json
import random
from pathlib import Path
from typing import Any

from engine.checkpoint import VERSION
from engine.reference import Engine
from tests.property.random_commands import CAPACITY, command, world
from wire import layout as w

DATA = Path(__file__).parent / "data"
CHECKPOINT = DATA / f"checkpoint-version-{VERSION}.bin"
EXPECTED = DATA / f"checkpoint-version-{VERSION}.json"
ALL = sorted(DATA.glob("checkpoint-version-*.bin"))
COMMANDS = 300


def statement(engine: Any) -> dict[str, Any]:
    """Return what an engine says of itself."""
    accounts = [w.account_number(tenant, index) for tenant in (1, 2) for index in range(4)]
    sides = (w.SIDE_BUY, w.SIDE_SELL)
    return {
        "digest": f"{engine.digest():016x}",
        "sequence": engine.sequence,
        "books": [engine.book(market) for market in (1, 3, 4)],
        "resting": [engine.resting(market, side) for market in (1, 3, 4) for side in sides],
        "stops": [engine.stops(market, side) for market in (1, 3, 4) for side in sides],
        "balances": [engine.balance(account, asset) for account in accounts for asset in (1, 2)],
    }


def history(seed: int) -> Engine:
    """Return an engine after some random commands."""
    draw = random.Random(seed)
    engine = Engine(**CAPACITY)
    engine.apply(world())
    for _ in range(COMMANDS):
        engine.apply(command(draw.getrandbits(160), engine))
    return engine


def shows_much(engine: Engine) -> bool:
    """Whether stops of both sides wait, exits, a pair, and an order whose id has been forgotten."""
    orders = engine.state.orders.values()
    waits = any(one.awaits_entry for one in orders)
    if not waits or not any(one.other and not one.awaits_entry for one in orders):
        return False
    stops = [engine.stops(1, side) for side in (w.SIDE_BUY, w.SIDE_SELL)]
    return all(stops) and any(one not in engine.state.remembered for one in engine.state.placed)


def main() -> None:
    """Write both files."""
    engine = next(filter(shows_much, map(history, itertools.count())))
    CHECKPOINT.write_bytes(engine.checkpoint())
    EXPECTED.write_text(json.dumps(statement(engine), indent=1) + "\n")


if __name__ == "__main__":
    main()
