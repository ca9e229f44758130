"""How providers are called over HTTP: what a call and a response are. Pure; who sends is a port.

A call is a few bytes that were signed, so it is sent as it is. A response is at most a megabyte,
and nothing of it is believed before it was looked at.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from bursa.kernel.errors import InternalError

_OK: Final = range(200, 300)


class ProviderCall(NamedTuple):
    """A request: the target is its path with the query, as it is signed."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class ProviderResponse(NamedTuple):
    """What a provider has answered, whatever it says."""

    status: int
    body: bytes


class ProviderConnection(Protocol):
    """Sends calls to one provider, at an address that no data chooses."""

    def __call__(self, call: ProviderCall) -> ProviderResponse:
        """Return the response to a call, which may be sent more than once.

        Raises
        ------
        Unavailable
            ``provider_unavailable``: none in time, or that it can't or does not want to now.
        InternalError
            ``provider_refuses_credentials``

        """


class Part(NamedTuple):
    """A part of a form; one with a file name is a file."""

    name: str
    content: bytes
    content_type: str = ""
    file_name: str = ""


def multipart(parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return the Content-Type and the body of a form (RFC 7578).

    The boundary follows from the content, so that the same form is the same bytes.
    """
    boundary = hashlib.sha256(b"".join(part.content for part in parts)).hexdigest()
    lines: list[bytes] = []
    for part in parts:
        file_name = f'; filename="{part.file_name}"' if part.file_name else ""
        kind = f"\r\nContent-Type: {part.content_type}" if part.content_type else ""
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{file_name}{kind}'
        )
        lines += [head.encode(), b"", part.content]
    lines += [f"--{boundary}--".encode(), b""]
    return f"multipart/form-data; boundary={boundary}", b"\r\n".join(lines)


def as_json(value: object) -> bytes:
    """Write the body of a call."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_object(response: ProviderResponse) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the JSON of a response that is a success.

    Raises
    ------
    InternalError
        ``provider_refused``: it is none; ``provider_not_understood``: it is no JSON.

    """
    require_success(response)
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise not_understood() from error


def require_success(response: ProviderResponse) -> None:
    """Return for a success; raises `InternalError` ``provider_refused``."""
    if response.status not in _OK:
        # Its words may be about the person.
        raise InternalError("provider_refused", f"The provider has answered {response.status}.")


def not_understood() -> InternalError:
    """Return the error for a response in another form than the provider documents."""
    return InternalError("provider_not_understood", "The provider's response has another form.")
