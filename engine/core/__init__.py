"""The fast engine: compiled when it has been built (``python -m engine.build``), else interpreted.

Both come from the same source, the modules of this package, and give the same bytes. The compiled
engine is ``engine._core``: the modules as one, so that the C compiler sees all of it.
"""

try:
    from engine._core import Engine

    COMPILED = True
except ImportError:
    from engine.core.engine import Engine

    COMPILED = False

__all__ = ["COMPILED", "Engine"]
