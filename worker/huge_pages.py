"""Puts huge pages together again that a fork has split.

The engine's memory is in huge pages, so a fork copies few table entries. Whatever the parent
then writes while the child lives splits a huge page into 512 small ones, which stay small: the next
fork has to copy an entry for each, which is most of what it costs. Linux puts them together by
itself, but over hours.
"""

import ctypes
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path

# With pages of 4 KB, which is what x86-64 and Amazon Linux on arm64 have.
_HUGE_BYTES = 2 << 20
_SMALL_IN_HUGE = _HUGE_BYTES // mmap.PAGESIZE
# The engine's memory (docs/adr/0001) and the interpreter's; what is smaller is not worth the look.
_MAPPING_BYTES_MIN = 2 * _HUGE_BYTES
# linux/mman.h, since Linux 6.1; an older one refuses it, and all stays as it is.
_MADV_COLLAPSE = 25
_HEAP = "[heap]"


def restore_huge_pages() -> int:
    """Put together what is split in this process's large mappings; returns how many are whole.

    Takes about a millisecond for each unit of 2 MB, without the interpreter's lock: call it in a
    thread. Another thread that touches the very unit waits for it.
    """
    if sys.platform != "linux":
        return 0
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        # Then the next fork takes longer; nothing is lost.
        return 0
    system = ctypes.CDLL(None)
    whole = 0
    for begin, end in _large_mappings(maps):
        for address in _present_units(system, begin, end):
            refused = system.madvise(
                ctypes.c_void_p(address), ctypes.c_size_t(_HUGE_BYTES), _MADV_COLLAPSE
            )
            whole += not refused
    return whole


def return_free_memory() -> int:
    """Return free memory to the system, then restore huge pages; return how many are whole."""
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        # Of the GNU C library; another one keeps what it has.
        trim = getattr(system, "malloc_trim", None)
        if trim is not None:
            trim(0)
    return restore_huge_pages()


def _large_mappings(maps: str) -> Iterator[tuple[int, int]]:
    """Yield whole units of large private mappings that have no file (see `man proc`)."""
    for line in maps.splitlines():
        span, rights, _, _, _, *name = line.split()
        if rights != "rw-p" or name not in ([], [_HEAP]):
            continue
        begin, end = (int(address, 16) for address in span.split("-"))
        if end - begin >= _MAPPING_BYTES_MIN:
            yield -(-begin // _HUGE_BYTES) * _HUGE_BYTES, end // _HUGE_BYTES * _HUGE_BYTES


def _present_units(system: ctypes.CDLL, begin: int, end: int) -> list[int]:
    """Return the units in use: most of what the engine reserves never is."""
    pages = ctypes.create_string_buffer((end - begin) // mmap.PAGESIZE)
    if system.mincore(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), pages):
        return []
    firsts = pages.raw[::_SMALL_IN_HUGE]
    return [begin + unit * _HUGE_BYTES for unit, present in enumerate(firsts) if present]
