"""Every function starts with what the template gives it, and nothing else."""

import pytest

from benchmarks.bench_cold_start import FUNCTIONS, start_ms


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_with_the_templates_variables(function: str) -> None:
    wall_ms, processor_ms = start_ms(function)

    assert wall_ms > 0
    assert processor_ms > 0
