import mmap
import os
import platform
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from worker.huge_pages import _large_mappings, restore_huge_pages, return_free_memory

HUGE = 2 << 20
MAPS = """\
55d0c0000000-55d0c0900000 rw-p 00000000 00:00 0                          [heap]
7f0000100000-7f0000b00000 rw-p 00000000 00:00 0
7f1000000000-7f1000300000 rw-p 00000000 00:00 0
7f2000000000-7f2000a00000 r--p 00000000 00:00 0
7f3000000000-7f3000a00000 rw-s 00000000 00:01 17                         /dev/zero (deleted)
7f4000000000-7f4000a00000 rw-p 00000000 08:01 99                         /usr/lib/libc.so
7ffd00000000-7ffd00a00000 rw-p 00000000 00:00 0                          [stack]
"""


def test_only_large_private_memory_is_looked_at_in_whole_units() -> None:
    assert list(_large_mappings(MAPS)) == [
        (0x55D0C0000000, 0x55D0C0800000),
        (0x7F0000200000, 0x7F0000A00000),
    ]


def huge_bytes() -> int:
    text = Path("/proc/self/smaps_rollup").read_text()
    found = re.search(r"AnonHugePages:\s+(\d+) kB", text)
    assert found
    return int(found[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="huge pages are asked for on Linux only")
def test_what_a_fork_has_split_is_whole_again() -> None:
    units = 16
    memory = mmap.mmap(-1, units * HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    before = huge_bytes()
    for place in range(0, len(memory), mmap.PAGESIZE):
        memory[place] = 1
    if huge_bytes() - before < (units - 1) * HUGE:
        pytest.skip("This system gives no huge pages.")

    with warnings.catch_warnings():
        # Of forks in processes with threads; this child only sleeps.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(1)
    for place in range(0, len(memory), HUGE):
        memory[place] = 2
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    split = huge_bytes()
    assert split <= before + HUGE

    restore_huge_pages()
    if huge_bytes() == split:
        pytest.skip("This Linux is older than 6.1.")
    assert huge_bytes() >= before + (units - 1) * HUGE
    assert memory[0] == 2
    assert memory[1] == 0
    assert memory[mmap.PAGESIZE] == 1


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def freed_bytes() -> int:
    """Return how much memory goes back that lies between what is kept."""
    # Each too small for a mapping of its own; every hundredth stays, so the heap can't shrink.
    blocks = [bytes(16 * 1024) for _ in range(8_000)]
    full = resident_bytes()
    kept = blocks[::100]
    del blocks

    return_free_memory()

    assert len(kept) == 80
    return full - resident_bytes()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so")
def test_free_memory_between_what_is_kept_goes_back_to_the_system() -> None:
    # In a process of its own: one that has run all other tests has room for the blocks already.
    measure = f"from {__name__} import freed_bytes; print(freed_bytes())"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", measure], check=True, capture_output=True, text=True, timeout=60
    )
    assert int(done.stdout) > 60 << 20
