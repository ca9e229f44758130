import asyncio
import sys

import psutil
import pytest

from tests.doubles.toy_engine import ToyEngine
from tests.simulation.engines import SmallEngines
from tests.unit.worker.fakes import credit
from worker.capture import CaptureFailed, CopyCapture, ForkCapture

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is private only on Linux")


@pytest.mark.parametrize(
    "capture", [CopyCapture(), pytest.param(ForkCapture(), marks=ON_LINUX)], ids=["copy", "fork"]
)
def test_a_copy_is_the_state_at_its_call(capture: CopyCapture | ForkCapture) -> None:
    async def scenario() -> tuple[bytes, bytes]:
        engine = SmallEngines("core").new()
        engine.apply(credit(1, number=1))
        expected = engine.checkpoint()
        copying = capture.capture(engine)
        engine.apply(credit(2, number=2) * 20)
        return await copying, expected

    copied, expected = asyncio.run(scenario())
    assert copied == expected


@ON_LINUX
def test_a_copy_that_fails_says_so_and_leaves_no_child() -> None:
    class Broken(ToyEngine):
        def checkpoint(self) -> bytes:
            raise MemoryError

    async def scenario() -> None:
        await ForkCapture().capture(Broken())

    # Tests before this one may have left children of theirs.
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(CaptureFailed):
        asyncio.run(scenario())
    assert {child.pid for child in psutil.Process().children()} <= before
