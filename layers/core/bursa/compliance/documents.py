"""Files that users show: what may be uploaded, and what the content must be once it has arrived.

Nothing a client says of a file is believed: the kind follows from the content, and must be the one
that the upload was allowed for. A picture that is another file at its end, one that unpacks to more
than a camera takes, and a PDF that does something when it is opened are refused. Sources: ISO/IEC
10918-1 annex B (JPEG markers), RFC 2083 chapter 3 (PNG chunks), ISO 32000-1 chapter 7 (PDF).

A PDF may hide actions in compressed parts, which are not unpacked here: files are for a viewer that
runs nothing, and where an antivirus is there it looks too (`Scanner`).
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from bursa.compliance.levels import DOCUMENTS, Requirement
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId

BYTES_MIN: Final = 1_000
BYTES_MAX: Final = 10_000_000
# Small print can't be read below it.
SIDE_PIXELS_MIN: Final = 400
PIXELS_MAX: Final = 64_000_000
UPLOAD_S_MAX: Final = 600


class FileKind(StrEnum):
    """What may be uploaded, as a Content-Type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    PDF = "application/pdf"


# A selfie is a picture.
KINDS: Final = {
    requirement: frozenset(FileKind) - ({FileKind.PDF} if requirement == "selfie" else frozenset())
    for requirement in DOCUMENTS
}


class Upload(NamedTuple):
    """One file that a user may upload: for which attempt, what it shows, and its kind."""

    tenant: TenantId
    user: str
    attempt: int
    requirement: Requirement
    kind: FileKind


class UploadForm(NamedTuple):
    """Where a client posts the file, and the fields it sends before it."""

    url: str
    fields: dict[str, str]
    key: str


class StoredFile(NamedTuple):
    """A file that has arrived, and the version that tells it from one that is uploaded again."""

    content: bytes
    version: str


class Scanner(Protocol):
    """An antivirus."""

    def finds(self, content: bytes) -> str | None:
        """Return the name of what it found; None for nothing. Raises `Unavailable`."""


_SUFFIXES: Final = {FileKind.JPEG: "jpeg", FileKind.PNG: "png", FileKind.PDF: "pdf"}
_ID: Final = re.compile(r"([a-z_]{1,40})-[A-Za-z0-9_-]{16,64}\.(jpeg|png|pdf)", re.ASCII)


def document_id(requirement: Requirement, kind: FileKind, random_name: str) -> str:
    """Return the name of a file that is to be uploaded; it says what it shows and its kind."""
    return f"{requirement}-{random_name}.{_SUFFIXES[kind]}"


def parse_document_id(text: str) -> tuple[Requirement, FileKind]:
    """Read what `document_id` gave.

    Raises
    ------
    InvalidInput
        ``invalid_document_id``; ``unknown_document``, ``unknown_file_kind``

    """
    found = _ID.fullmatch(text)
    if found is None:
        raise InvalidInput(
            "invalid_document_id",
            "Send the document_id that POST /v1/kyc/documents gave.",
            field="documents",
        )
    kind = next(kind for kind, suffix in _SUFFIXES.items() if suffix == found[2])
    return require_upload(found[1], kind)


def require_upload(requirement: str, kind: str) -> tuple[Requirement, FileKind]:
    """Read what a client wants to upload.

    Raises
    ------
    InvalidInput
        ``unknown_document``, ``unknown_file_kind``

    """
    shown = next((one for one in sorted(DOCUMENTS) if one == requirement), None)
    if shown is None:
        raise InvalidInput(
            "unknown_document", f"Upload one of {', '.join(sorted(DOCUMENTS))}.", field="document"
        )
    found = next((one for one in sorted(KINDS[shown]) if one == kind), None)
    if found is None:
        kinds = ", ".join(sorted(KINDS[shown]))
        raise InvalidInput("unknown_file_kind", f"Upload one of {kinds}.", field="content_type")
    return shown, found


def faults_of(content: bytes, kind: FileKind, scanner: Scanner | None = None) -> tuple[str, ...]:
    """Return what is wrong with a file, in sentences for its user; nothing for a good one.

    Raises `Unavailable` when there is a scanner and it can't look.
    """
    if not BYTES_MIN <= len(content) <= BYTES_MAX:
        return (f"Send a file of {BYTES_MIN} to {BYTES_MAX} bytes.",)
    fault = _CHECKS[kind](content)
    if fault:
        return (fault,)
    if scanner is not None and scanner.finds(content) is not None:
        return ("Send another file; this one was refused by the virus scanner.",)
    return ()


_NOT_JPEG: Final = "Send a whole JPEG picture, as the camera took it."
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
# Frames, each with the size of the picture: C0 to CF but for tables, an extension and conditions.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A marker among a scan's data: FF and neither a stuffed 00, nor a restart, nor padding.
_MARKER: Final = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")


def _check_jpeg(content: bytes) -> str:
    """Walk from marker to marker to the end, which must be the end of a picture.

    Cameras put more pictures behind the first one (CIPA DC-007); nothing else may follow.
    """
    sizes: list[tuple[int, int]] = []
    at = 0
    while at < len(content):
        end = _jpeg_end(content, at, sizes)
        if end is None:
            return _NOT_JPEG
        at = end
    faults = [fault for fault in map(_size_fault, sizes) if fault]
    return (_check_size(*sizes[0]) or next(iter(faults), "")) if sizes else _NOT_JPEG


def _jpeg_end(content: bytes, at: int, sizes: list[tuple[int, int]]) -> int | None:
    """Return where the picture that begins here ends, None for none; add the sizes it states."""
    if content[at : at + 3] != b"\xff\xd8\xff":
        return None
    at, before = at + 2, len(sizes)
    while at + 1 < len(content) and content[at] == 0xFF:  # noqa: PLR2004 - every marker begins so
        marker = content[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - padding
            at += 1
            continue
        if marker == _END_OF_IMAGE:
            return at + 2 if len(sizes) > before else None
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _START_OF_IMAGE or length < 2 or at + 2 + length > len(content):  # noqa: PLR2004
            return None
        if marker in _FRAMES:
            width, height = content[at + 7 : at + 9], content[at + 5 : at + 7]
            sizes.append((int.from_bytes(width, "big"), int.from_bytes(height, "big")))
        at += 2 + length
        if marker == _START_OF_SCAN:
            found = _MARKER.search(content, at)
            if found is None:
                return None
            at = found.start()
    return None


def _check_png(content: bytes) -> str:
    broken = "Send a whole PNG picture."
    if content[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR":
        return broken
    at = 8
    while at + 12 <= len(content):
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            break
    else:
        return broken
    if at != len(content):
        return broken
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    return _check_size(width, height)


def _check_size(width: int, height: int) -> str:
    if min(width, height) < SIDE_PIXELS_MIN:
        return f"Send a picture of at least {SIDE_PIXELS_MIN} pixels a side."
    return _size_fault((width, height))


def _size_fault(size: tuple[int, int]) -> str:
    width, height = size
    if width * height > PIXELS_MAX:
        return f"Send a picture of at most {PIXELS_MAX // 1_000_000} million pixels."
    return ""


# What a PDF does by itself, what it carries along, and what nobody could look into.
_ACTIVE: Final = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|OpenAction|AA|RichMedia|XFA|Encrypt|SubmitForm)"
    rb"(?![A-Za-z0-9])"
)
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")


def _check_pdf(content: bytes) -> str:
    is_whole = content.rstrip(b"\0\t\n\f\r ").endswith(b"%%EOF")
    if not re.match(rb"%PDF-[12]\.[0-9]", content) or not is_whole:
        return "Send a whole PDF."
    # A name may be written with the codes of its letters.
    plain = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)
    if _ACTIVE.search(plain):
        return "Send a PDF without a password, scripts, forms or other files in it; or a picture."
    return ""


_CHECKS: Final = {
    FileKind.JPEG: _check_jpeg,
    FileKind.PNG: _check_png,
    FileKind.PDF: _check_pdf,
}
