"""The engine that this worker runs, chosen by name."""

import importlib
from typing import Any

from bursa.journal.replica import Engine
from engine.errors import CheckpointError

ENGINES = ("core", "reference")


class NamedEngines:
    """Makes engines of one implementation; both give the same bytes.

    Raises
    ------
    ValueError
        When there is no implementation of this name.

    """

    def __init__(self, name: str) -> None:
        if name not in ENGINES:
            raise ValueError(f"ENGINE is {name!r}; it must be one of {', '.join(ENGINES)}.")
        self._class: Any = importlib.import_module(f"engine.{name}").Engine

    def new(self) -> Engine:
        """Return an empty one."""
        engine: Engine = self._class()
        return engine

    def restore(self, checkpoint: bytes) -> Engine:
        """Return one with the state of a checkpoint; raises `ValueError` when it is damaged."""
        try:
            engine: Engine = self._class.restore(checkpoint)
        except CheckpointError as error:
            raise ValueError(str(error)) from error
        return engine
