"""Keep the read models of all shards in step with one stream of all their records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bursa.journal.record import RecordError
from bursa.journal.stream import StreamRecord
from bursa.read_models.projector import ProjectedBatch, Projector


@dataclass(frozen=True, slots=True)
class ProjectedStream:
    """What became of a batch of the stream, whatever shards its records are of.

    Attributes
    ----------
    failed
        Identifier of the first entry that failed; it and what follows must come again.
    batches
        What became of each shard's part.

    """

    failed: str | None
    batches: tuple[ProjectedBatch, ...]


class Projectors:
    """Projects all shards, each by a projector of its own that is kept between batches."""

    def __init__(
        self,
        open_projector: Callable[[int], Projector],
        on_unprojectable: Callable[[Exception], None],
    ) -> None:
        self._open_projector = open_projector
        self._on_unprojectable = on_unprojectable
        self._projectors: dict[int, Projector] = {}

    def project(self, entries: Sequence[StreamRecord]) -> ProjectedStream:
        """Project every shard up to its last record, or to the first entry of it that fails.

        A shard that fails does not hold up the others.

        Raises
        ------
        ProjectionError
            The whole batch has to come again. So it has after any error of storage.

        """
        by_shard, unreadable = self._split(entries)
        batches, errors = [], []
        for shard, part in by_shard.items():
            try:
                batches.append(self._projector(shard).project(part))
            except Exception as error:  # noqa: BLE001 - raised again once the others are done
                errors.append(error)
        if errors:
            raise errors[0]
        failed = {batch.failed for batch in batches} | {unreadable}
        first = next((entry.identifier for entry in entries if entry.identifier in failed), None)
        return ProjectedStream(first, tuple(batches))

    def _split(
        self, entries: Sequence[StreamRecord]
    ) -> tuple[dict[int, list[StreamRecord]], str | None]:
        """Share entries out to their shards, up to the first that is no record; name that one."""
        by_shard: dict[int, list[StreamRecord]] = {}
        for entry in entries:
            if entry.record is None:
                error = RecordError(f"{entry.identifier} of the stream is not a record.")
                self._on_unprojectable(error)
                return by_shard, entry.identifier
            by_shard.setdefault(entry.record.shard, []).append(entry)
        return by_shard, None

    def _projector(self, shard: int) -> Projector:
        projector = self._projectors.get(shard)
        if projector is None:
            projector = self._projectors[shard] = self._open_projector(shard)
        return projector
