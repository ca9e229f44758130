"""Files of users: what may be uploaded, and what is found in the content once it has arrived."""

import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bursa.compliance.documents import (
    BYTES_MAX,
    FileKind,
    faults_of,
    require_upload,
)
from bursa.compliance.levels import Requirement
from bursa.compliance.scanner_clamd import Clamd
from bursa.kernel.errors import BursaError, Unavailable

FILLING = bytes(range(1, 200)) * 10


BOMB = struct.pack(">HBHHB", 17, 8, 60_000, 60_000, 3) + bytes(9)


def jpeg(width: int = 800, height: int = 600, *, frame: int = 0xC0, scans: int = 1) -> bytes:
    size = struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    comment = b"\xff\xfe" + struct.pack(">H", len(FILLING) + 2) + FILLING
    scan = b"\xff\xda\0\x02" + b"data \xff\0 \xff\xd3 data"
    picture = comment + b"\xff" + bytes([frame]) + size + scan * scans
    return b"\xff\xd8" + picture + b"\xff\xd9"


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int = 800, height: int = 600) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", FILLING) + chunk(b"IEND")


def pdf(inside: bytes = b"/Type /Page") -> bytes:
    return b"%PDF-1.7\n" + FILLING.replace(b"#", b"") + b"\n<< " + inside + b" >>\n%%EOF\n"


GOOD = {"jpeg": (jpeg(), FileKind.JPEG), "png": (png(), FileKind.PNG), "pdf": (pdf(), FileKind.PDF)}
GOOD |= {
    "a progressive jpeg": (jpeg(frame=0xC2), FileKind.JPEG),
    "a large picture": (png(8000, 8000), FileKind.PNG),
    # As telephones do: a small one or a map of brightness behind the picture.
    "a jpeg with another one behind it": (jpeg() + jpeg(160, 120), FileKind.JPEG),
    "a jpeg with several scans": (jpeg(scans=3), FileKind.JPEG),
    "a pdf about /JSX": (pdf(b"/JSX /AAB"), FileKind.PDF),
}


@pytest.mark.parametrize(("content", "kind"), GOOD.values(), ids=GOOD)
def test_a_good_file_has_no_fault(content: bytes, kind: FileKind) -> None:
    assert faults_of(content, kind) == ()


BAD = {
    "empty": (b"", FileKind.JPEG),
    "small": (jpeg()[:500], FileKind.JPEG),
    "too large": (jpeg() + bytes(BYTES_MAX), FileKind.JPEG),
    "a page": (b"<html>" + FILLING, FileKind.JPEG),
    "a program": (b"MZ" + FILLING, FileKind.PDF),
    "another kind": (png(), FileKind.JPEG),
    "a cut jpeg": (jpeg()[:-1], FileKind.JPEG),
    "a cut png": (png()[:-1], FileKind.PNG),
    "an archive after a jpeg": (jpeg() + b"PK\x03\x04", FileKind.JPEG),
    "an archive after a png": (png() + b"PK\x03\x04", FileKind.PNG),
    "a png whose chunk is longer than it": (
        png().replace(struct.pack(">I", len(FILLING)) + b"IDAT", b"\xff\xff\xff\xffIDAT"),
        FileKind.PNG,
    ),
    # An archive may end with a comment of any bytes.
    "an archive that ends as a jpeg": (jpeg() + b"PK\x05\x06" + b"\xff\xd9", FileKind.JPEG),
    "a page that ends as a jpeg": (jpeg() + b"<script>" + b"\xff\xd9", FileKind.JPEG),
    "a bomb behind a jpeg": (jpeg() + jpeg(60_000, 60_000), FileKind.JPEG),
    "a jpeg that states another size later": (
        jpeg().replace(b"\xff\xda", b"\xff\xc0" + BOMB + b"\xff\xda", 1),
        FileKind.JPEG,
    ),
    "a jpeg whose scan never ends": (jpeg()[:-2] + bytes(20), FileKind.JPEG),
    "an archive after a pdf": (pdf() + b"PK\x05\x06" + bytes(18), FileKind.PDF),
    "a jpeg without a size": (b"\xff\xd8\xff\xda\0\x02" + FILLING + b"\xff\xd9", FileKind.JPEG),
    "a jpeg of no markers": (b"\xff\xd8\xff" + bytes(2000) + b"\xff\xd9", FileKind.JPEG),
    "a thumbnail": (jpeg(399, 600), FileKind.JPEG),
    "a bomb": (png(60_000, 60_000), FileKind.PNG),
    "a cut pdf": (pdf()[:-7] + bytes(2000), FileKind.PDF),
    "a script": (pdf(b"/JavaScript (app.alert)"), FileKind.PDF),
    "a script by codes": (pdf(b"/J#61vaScript (app.alert)"), FileKind.PDF),
    "an action": (pdf(b"/OpenAction 1 0 R"), FileKind.PDF),
    "a file in it": (pdf(b"/EmbeddedFile"), FileKind.PDF),
    "a password": (pdf(b"/Encrypt 2 0 R"), FileKind.PDF),
}


@pytest.mark.parametrize(("content", "kind"), BAD.values(), ids=BAD)
def test_a_bad_file_has_a_fault_in_words(content: bytes, kind: FileKind) -> None:
    (fault,) = faults_of(content, kind)
    assert fault.startswith("Send ")


@pytest.mark.parametrize("make", [jpeg, png, pdf])
def test_no_cut_of_a_file_breaks_the_checks(make: Callable[[], bytes]) -> None:
    whole = make()
    for end in range(1000, len(whole), 13):
        for kind in FileKind:
            faults_of(whole[:end], kind)
            faults_of(whole[:4] + whole[end:] + whole, kind)


@pytest.mark.parametrize(
    ("requirement", "kind", "code"),
    [
        ("identity_document", "image/jpeg", None),
        ("proof_of_address", "application/pdf", None),
        ("selfie", "image/png", None),
        ("selfie", "application/pdf", "unknown_file_kind"),
        ("identity_document", "image/svg+xml", "unknown_file_kind"),
        ("identity_document", "", "unknown_file_kind"),
        ("email", "image/png", "unknown_document"),
        ("../x", "image/png", "unknown_document"),
    ],
)
def test_what_may_be_uploaded(requirement: str, kind: str, code: str | None) -> None:
    if code is None:
        assert require_upload(requirement, kind) == (Requirement(requirement), FileKind(kind))
    else:
        with pytest.raises(BursaError) as caught:
            require_upload(requirement, kind)
        assert caught.value.code == code


@contextmanager
def clamd(reply: bytes, *, version: bool = False) -> Iterator[tuple[Clamd, list[bytes]]]:
    """Answer one connection as clamd does; yields what it was sent."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as file:
            if version:
                assert file.read(9) == b"zVERSION\0"
            else:
                assert file.read(10) == b"zINSTREAM\0"
                while length := int.from_bytes(file.read(4), "big"):
                    received.append(file.read(length))
            connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            host, port = listener.getsockname()
            yield Clamd(host, port, timeout_s=5), received
        finally:
            thread.join(5)


def test_a_file_that_the_scanner_finds_good_was_sent_whole() -> None:
    content = jpeg() * 100
    with clamd(b"stream: OK\0") as (scanner, received):
        assert scanner.finds(content) is None
    assert b"".join(received) == content


def test_what_the_scanner_finds_is_a_fault_without_its_name() -> None:
    with clamd(b"stream: Eicar-Test-Signature FOUND\0") as (scanner, _):
        (fault,) = faults_of(jpeg(), FileKind.JPEG, scanner)
    assert "virus" in fault
    assert "Eicar" not in fault


@pytest.mark.parametrize("reply", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: \0"])
def test_a_scanner_that_does_not_say_good_has_not_said_it(reply: bytes) -> None:
    with clamd(reply) as (scanner, _), pytest.raises(Unavailable):
        scanner.finds(jpeg())


def test_a_scanner_that_is_away_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
    with pytest.raises(Unavailable):
        faults_of(jpeg(), FileKind.JPEG, Clamd(host, port, timeout_s=1))


def test_the_scanner_says_how_old_its_signatures_are() -> None:
    with clamd(b"ClamAV 1.4.3/27512/Tue Jan  6 09:07:27 2026\0", version=True) as (scanner, _):
        assert scanner.signatures_at_ms() == 1_767_690_447_000


@pytest.mark.parametrize(
    "reply",
    [b"", b"ClamAV 1.4.3\0", b"ClamAV 1.4.3/27512/some day of a year 2026\0", b"x" * 5_000],
    ids=["nothing", "no signatures", "no time", "far too much"],
)
def test_a_scanner_without_signatures_is_none(reply: bytes) -> None:
    with clamd(reply, version=True) as (scanner, _), pytest.raises(Unavailable):
        scanner.signatures_at_ms()
