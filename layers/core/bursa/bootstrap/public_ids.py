"""Build what makes ids and cursors opaque."""

from collections.abc import Callable

from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.public_ids import PublicIds
from bursa.kernel.settings import IdSettings, read_settings
from bursa.tenants.pseudonyms_cryptography import KeyedPseudonyms


def open_ids() -> PublicIds:
    """Return the ids of orders and trades, by the environment's key."""
    key = read_settings(IdSettings).id_key.encode()
    return PublicIds(KeyedPseudonyms(lambda: key, "ids"))


def open_cursors(read_key: Callable[[], bytes]) -> Cursors:
    """Return the cursors of lists, by the deployment's key of cursors."""
    return Cursors(KeyedPseudonyms(read_key, "cursors"))
