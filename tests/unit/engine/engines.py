"""The engines under test: the specification, the fast core interpreted, and compiled if built."""

from typing import Any

from engine.core import COMPILED
from engine.core import Engine as FastEngine
from engine.core.engine import Engine as InterpretedEngine
from engine.reference import Engine as ReferenceEngine

ENGINES: dict[str, Any] = {"reference": ReferenceEngine, "interpreted": InterpretedEngine}
if COMPILED:
    ENGINES["compiled"] = FastEngine
