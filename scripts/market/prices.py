"""Where a simulated market's fair price wanders: a geometric random walk from a seed. Pure."""

import math
import random
from decimal import Decimal
from typing import Final

STEP_S: Final = 0.1


class PriceWalk:
    """A price over time; the same seed is the same walk, however often it is looked at.

    Parameters
    ----------
    start
        Where it begins, in the market's quote asset.
    volatility
        Standard deviation of the logarithm of the price after a second, such as 0.0005.

    """

    def __init__(self, start: Decimal, volatility: float, seed: int) -> None:
        self._start = start
        self._step = volatility * math.sqrt(STEP_S)
        self._random = random.Random(seed)  # noqa: S311 - a walk, not a secret
        self._logs = [0.0]

    def at(self, elapsed_s: float) -> Decimal:
        """Return the price so many seconds after the start."""
        index = int(elapsed_s / STEP_S)
        while len(self._logs) <= index:
            self._logs.append(self._logs[-1] + self._random.gauss(0.0, self._step))
        return self._start * Decimal(repr(math.exp(self._logs[index])))
