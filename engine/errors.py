"""What an engine raises.

::

    EngineError
    ├── SnapshotError        the bytes are not a whole, unharmed snapshot this version can read;
    │                        no engine was made, take an older snapshot and replay
    └── InvariantViolation   the books do not add up; stop writing, keep the journal, call a person

A malformed batch is a ``ValueError``; a refused command is not an error but a result.
"""


class EngineError(Exception):
    """Base of the engine's own errors."""


class SnapshotError(EngineError):
    """A snapshot is truncated, damaged, or of an unknown version."""


class InvariantViolation(EngineError):  # noqa: N818 - the field's own word
    """A rule that must hold after every command does not."""
