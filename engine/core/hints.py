"""What only a compiler can use; interpreted, these do nothing."""


def prefetch(address: object) -> None:
    """Ask the processor to bring the memory at an address near; the compiled core's is C's."""
