"""A function's start without a search for garbage, which there is none of.

A start makes some hundred thousand objects that all stay. Python's collector looks through them
again and again meanwhile, which is a tenth of the start's processor time (docs/performance.md); and
later each full collection would look through them once more.
"""

import gc


def begin_start() -> None:
    """Stop the collector until `finish_start`; the first thing that a function's package does."""
    gc.disable()


def finish_start() -> None:
    """Leave out of all later collections what is there now, and let the collector work again."""
    gc.freeze()
    gc.enable()
