"""The reference engine: the executable specification; start reading at ``reference.engine``."""

from engine.reference.engine import Engine

__all__ = ["Engine"]
