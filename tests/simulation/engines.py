"""The engines that simulations run, made small: a run has tens of orders, not millions."""

import importlib
from typing import Any

from bursa.journal.replica import Engine
from engine.errors import CheckpointError
from tests.doubles.toy_engine import ToyEngine

_SIZES = {
    "orders": 1 << 10,
    "accounts": 1 << 6,
    "balances": 1 << 7,
    "holds": 1 << 6,
    "remembered_ids": 1 << 12,
}


class SmallEngines:
    """Makes small engines of ``core`` or ``reference``."""

    def __init__(self, name: str) -> None:
        self._class: Any = importlib.import_module(f"engine.{name}").Engine

    def new(self) -> Engine:
        engine: Engine = self._class(**_SIZES)
        return engine

    def restore(self, checkpoint: bytes) -> Engine:
        try:
            engine: Engine = self._class.restore(checkpoint)
        except CheckpointError as error:
            raise ValueError(str(error)) from error
        return engine


class ToyEngines:
    """Makes toy engines."""

    def new(self) -> Engine:
        return ToyEngine()

    def restore(self, checkpoint: bytes) -> Engine:
        return ToyEngine.restore(checkpoint)
