"""What an engine raises.

::

    EngineError
    ├── CheckpointError      the bytes are not a whole, unharmed checkpoint this version can read;
    │                        no engine was made, take an older checkpoint and replay
    └── InvariantViolation   the books do not add up; stop writing, keep the journal, call a person

A malformed batch is a ``ValueError``; a rejected command is not an error but a result.
"""


class EngineError(Exception):
    """Base of the engine's own errors."""


class CheckpointError(EngineError):
    """A checkpoint is truncated, damaged, or of an unknown version."""


class InvariantViolation(EngineError):  # noqa: N818 - the field's own word
    """A rule that must hold after every command does not."""
