"""What a tenant's listing was when it was last sent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bursa.tenants.listing import Listing


@dataclass(frozen=True, slots=True)
class SentListing:
    """A listing as it was last sent.

    Attributes
    ----------
    number
        How many have been sent, this one included.
    content
        The listing as plain values.
    is_done
        Whether all of it was carried out; if not, it may have been in part.

    """

    number: int
    content: Mapping[str, Any]
    is_done: bool


def as_content(listing: Listing) -> dict[str, Any]:
    """Return a listing as plain values, to be kept and compared."""
    content: dict[str, Any] = asdict(listing)
    return content
