"""Headers of traces: of sampled ones alone, and nothing that only looks like one."""

import pytest

from bursa.kernel.traces import Trace, sampled_trace

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
SAMPLED = Trace(ROOT, PARENT)


@pytest.mark.parametrize(
    "header",
    [
        f"Root={ROOT};Parent={PARENT};Sampled=1",
        f"Root={ROOT};Parent={PARENT};Sampled=1;Lineage=a87bd80c:1",
        f"Sampled=1;Parent={PARENT};Root={ROOT}",
    ],
)
def test_a_sampled_header_is_read(header: str) -> None:
    assert sampled_trace(header) == SAMPLED


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"Root={ROOT};Parent={PARENT};Sampled=0",
        f"Root={ROOT};Parent={PARENT}",
        f"Root={ROOT};Parent={PARENT};Sampled=?",
        f"Root={ROOT};Sampled=1",
        f"Root={ROOT}0;Parent={PARENT};Sampled=1",
        f"Root={ROOT.upper()};Parent={PARENT};Sampled=1",
        f"Root={ROOT};Parent={PARENT}\n;Sampled=1",
        f"Root=1-१२३४५६७८-{'0' * 24};Parent={PARENT};Sampled=1",
        f"Root={ROOT};Parent={PARENT};Sampled=1;Self={'x' * 500}",
    ],
)
def test_what_is_none_of_a_sampled_trace_is_none(header: str) -> None:
    assert sampled_trace(header) is None


def test_a_trace_written_is_read_again() -> None:
    assert sampled_trace(SAMPLED.header) == SAMPLED
