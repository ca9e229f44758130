"""Secrets sealed by KMS: stored as what only KMS opens, and for the purpose they were sealed for.

An opened secret is kept in memory for some minutes, because KMS is slow and counts its calls.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from bursa.aws.failures import unavailable
from bursa.kernel.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_kms import KMSClient

OPEN_MS_MAX: Final = 300_000
_KEPT_MAX: Final = 1_000
_AGAIN: Final = "Send the request again in a moment."


class Seals:
    """Seals and opens secrets with one key of KMS.

    Parameters
    ----------
    open_client
        Called at the first use, because few starts of a function need it.

    """

    def __init__(
        self, open_client: "Callable[[], KMSClient]", key_id: str, clock: MonotonicClock
    ) -> None:
        self._open_client = open_client
        self._key_id = key_id
        self._clock = clock
        self._opened: dict[tuple[bytes, tuple[tuple[str, str], ...]], tuple[float, bytes]] = {}

    def seal(self, secret: bytes, context: dict[str, str]) -> bytes:
        """Return a secret as it may be stored; raises `Unavailable` ``seals_unavailable``."""
        with unavailable("seals_unavailable", _AGAIN):
            return self._client.encrypt(
                KeyId=self._key_id, Plaintext=secret, EncryptionContext=context
            )["CiphertextBlob"]

    def open(self, sealed: bytes, context: dict[str, str]) -> bytes:
        """Return a secret that was sealed in this context; raises as `seal` does."""
        now_ms = self._clock.monotonic_ms()
        name = (sealed, tuple(sorted(context.items())))
        known = self._opened.get(name)
        if known is not None and now_ms - known[0] < OPEN_MS_MAX:
            return known[1]
        with unavailable("seals_unavailable", _AGAIN):
            secret = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=sealed, EncryptionContext=context
            )["Plaintext"]
        if len(self._opened) >= _KEPT_MAX:
            self._opened.clear()
        self._opened[name] = (now_ms, secret)
        return secret

    @cached_property
    def _client(self) -> "KMSClient":
        return self._open_client()
