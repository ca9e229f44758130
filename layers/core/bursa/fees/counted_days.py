"""Whether the read models hold all of the days that a run counts.

They follow the journal, and by how much they are behind nothing bounds. So a run begins once they
have a record of the day after. A shard in which nothing happens has none, so it is asked to do
nothing, which is a record too; a shard that is behind shows that record as late as all before it.
"""

from collections.abc import Callable
from typing import Final, Protocol

from bursa.kernel.clock import Clock
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.read_models.rows import TRADED_SCHEMA

# For read models that are as late as usual; what is later than that waits for the next start.
DELAYS_MS: Final = (0, 50, 100, 200, 400, 800, 1_600)


class Progress(Protocol):
    """How far the read models are; each method raises `Unavailable`."""

    def whole_until_ms(self, tenant: TenantId) -> int:
        """Return the exchange's time of the last record that all rows reflect; 0 before any."""

    def has_schema(self, tenant: TenantId, schema: int) -> bool:
        """Return whether rows are at least of a schema."""


class CountedDays:
    """Looks how far the read models are.

    Parameters
    ----------
    do_nothing
        Has a tenant's shard commit a record that changes nothing; raises `Unavailable`.

    """

    def __init__(
        self, progress: Progress, do_nothing: Callable[[TenantId], None], clock: Clock
    ) -> None:
        self._progress = progress
        self._do_nothing = do_nothing
        self._clock = clock

    def require(self, tenant: TenantId, end_ms: int) -> None:
        """Return when all that was traded before a time, UTC, is added up.

        Raises
        ------
        Unavailable
            ``read_models_unavailable``: the rows were made by older software and are to be rebuilt;
            ``read_models_late``: they are not that far; or what keeps that from being found out.

        """
        if not self._progress.has_schema(tenant, TRADED_SCHEMA):
            raise Unavailable(
                "read_models_unavailable",
                "What users traded was not added up before an upgrade: `make rebuild`.",
            )
        if self._progress.whole_until_ms(tenant) >= end_ms:
            return
        self._do_nothing(tenant)
        for delay_ms in DELAYS_MS:
            self._clock.sleep_ms(delay_ms)
            if self._progress.whole_until_ms(tenant) >= end_ms:
                return
        raise Unavailable(
            "read_models_late", "The read models lack a part of the day; the next start goes on."
        )
