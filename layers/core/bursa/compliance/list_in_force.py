"""The screening with the list that is in force, read again when another one is."""

from bursa.compliance.list_versions import ListStore, read_list
from bursa.compliance.screening import Screening


class ListInForce:
    """Keeps the list that was read last: reading one takes seconds, looking which is in force none.

    Parameters
    ----------
    name
        The list's.

    """

    def __init__(self, store: ListStore, name: str) -> None:
        self._store = store
        self._name = name
        self._row: bytes | None = None
        self._screening: Screening | None = None

    def __call__(self) -> Screening:
        """Return the screening; raises as `read_list` does, and then nobody is screened."""
        row = self._store.read_in_force(self._name)
        if self._screening is None or row != self._row:
            self._screening = Screening(read_list(self._store, self._name))
            self._row = row
        return self._screening
