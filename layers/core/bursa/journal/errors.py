"""What writers and readers of the journal and its side tables tell each other.

    StorageError
    ├── SlotTaken         the slot holds a record already; says whose
    └── OutcomeUnknown    no response, or a refusal for load: it may or may not have happened

`OutcomeUnknown` is raised for a lost response as well as for a throttle, because a caller that is
right about the first is right about both: repeat the identical request and look at the result.
"""


class StorageError(Exception):
    """Root of the errors of storage."""


class SlotTaken(StorageError):  # noqa: N818 - the name is what it means to a caller
    """Raised when a slot already holds another record."""

    def __init__(self, batch_id: bytes, epoch: int) -> None:
        super().__init__(f"The slot holds batch {batch_id.hex()} of epoch {epoch}.")
        self.batch_id = batch_id
        self.epoch = epoch


class OutcomeUnknown(StorageError):  # noqa: N818
    """Raised when a request may or may not have had its effect."""
