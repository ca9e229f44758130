"""What the compiled engine has of its own, from ``engine.build``."""


def highest_bit(bits: int) -> int:
    """Return the index of the highest bit set in a positive number."""
    return bits.bit_length() - 1


def prefetch(address: object) -> None:
    """Ask the processor for the memory at an address; interpreted, do nothing."""


def sum_of_block(words: object) -> int:
    """Return the sum of a block's words, each times its key; interpreted, it is not called."""
    raise NotImplementedError


def new_bytes(text: None, size: int) -> bytes:
    """Return bytes of a size, to be written before they are used; interpreted, not called."""
    raise NotImplementedError


def text_of(output: bytes) -> object:
    """Return where bytes begin; interpreted, it is not called."""
    raise NotImplementedError


def shorten(store: object, size: int) -> None:
    """Cut a store's output to a size; interpreted, it is not called."""
    raise NotImplementedError
