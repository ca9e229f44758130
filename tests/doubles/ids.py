"""The ids and cursors of a deployment whose keys the tests know."""

from functools import partial

from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.feed_messages import encode_message
from bursa.dialects.native.public_ids import PublicIds
from bursa.kernel.identifiers import TenantId
from bursa.tenants.pseudonyms_cryptography import KeyedPseudonyms

ID_KEY = b"i" * 32

PUBLIC_IDS = PublicIds(KeyedPseudonyms(lambda: ID_KEY, "ids"))
# Of the first tenant, whose orders most tests place.
IDS = PUBLIC_IDS.of(TenantId(1))

encode_for_clients = partial(encode_message, ids=PUBLIC_IDS)


def cursors_of(key: bytes) -> Cursors:
    """Return the cursors of a deployment with this key."""
    return Cursors(KeyedPseudonyms(lambda: key, "cursors"))
