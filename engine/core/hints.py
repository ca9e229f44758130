"""What only a compiler can use; the compiled engine has its own, from ``engine.build``."""


def prefetch(address: object) -> None:
    """Ask the processor to bring the memory at an address near; interpreted, do nothing."""


def sum_of_block(words: object) -> int:
    """Return the sum of a block's words, each times its key; interpreted, it is not called."""
    raise NotImplementedError
