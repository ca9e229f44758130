"""What a seed expands to: sizes, rates of faults, times. Printed when a run fails."""

import random
from dataclasses import dataclass

from bursa.journal.record import PART_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Options:
    """One run. Rates are per call, or per second where the name says so."""

    seed: int
    workers: int = 2
    accounts: int = 3
    messages: int = 24
    commands_per_message_max: int = 3
    faulty_s: float = 40.0
    latency_s: float = 0.005
    latency_tail_s: float = 0.3
    latency_tail_rate: float = 0.05
    request_lost_rate: float = 0.02
    answer_lost_rate: float = 0.02
    late_rate: float = 0.02
    twice_rate: float = 0.02
    throttle_rate: float = 0.02
    timeout_s: float = 0.8
    late_s_max: float = 6.0
    crashes: int = 2
    pauses: int = 2
    pause_s_max: float = 12.0
    clock_jumps: int = 1
    clock_drift: float = 0.02
    torn_checkpoint_rate: float = 0.3
    redelivered_rate: float = 0.1
    malformed_rate: float = 0.03
    resent_rate: float = 0.1
    stream_lost_rate: float = 0.1
    stream_repeated_rate: float = 0.1
    stream_shuffled_rate: float = 0.2
    projector_fault_rate: float = 0.02
    lease_s: float = 3.0
    visibility_s: float = 5.0
    checkpoint_commands: int = 12
    held_max: int = 30
    stops: int = 1
    part_bytes: int = PART_BYTES_MAX

    @classmethod
    def of(cls, seed: int) -> "Options":
        """Expand a seed: some runs are calm, some storms, each fault is absent in some."""
        rng = random.Random(f"options {seed}")

        def rate(most: float) -> float:
            return 0.0 if rng.random() < 0.3 else round(rng.random() * most, 3)

        return cls(
            seed=seed,
            workers=rng.choice((1, 2, 2, 3)),
            accounts=rng.randint(1, 4),
            messages=rng.randint(8, 36),
            commands_per_message_max=rng.randint(1, 4),
            faulty_s=rng.choice((10.0, 25.0)),
            latency_s=rng.choice((0.001, 0.005, 0.02)),
            latency_tail_s=rng.choice((0.1, 0.5, 2.0)),
            latency_tail_rate=rate(0.1),
            request_lost_rate=rate(0.06),
            answer_lost_rate=rate(0.1),
            late_rate=rate(0.06),
            twice_rate=rate(0.06),
            throttle_rate=rate(0.1),
            timeout_s=rng.choice((0.3, 1.0)),
            late_s_max=rng.choice((1.0, 8.0)),
            crashes=rng.randint(0, 4),
            pauses=rng.randint(0, 3),
            pause_s_max=rng.choice((1.0, 6.0, 15.0)),
            clock_jumps=rng.randint(0, 2),
            clock_drift=rng.choice((0.0, 0.02, 0.08)),
            torn_checkpoint_rate=rate(0.6),
            redelivered_rate=rate(0.2),
            malformed_rate=rate(0.1),
            resent_rate=rate(0.3),
            stream_lost_rate=rate(0.3),
            stream_repeated_rate=rate(0.3),
            stream_shuffled_rate=rate(0.5),
            projector_fault_rate=rate(0.05),
            lease_s=rng.choice((1.5, 3.0)),
            visibility_s=rng.choice((2.0, 5.0)),
            checkpoint_commands=rng.choice((6, 15, 40)),
            held_max=rng.choice((4, 30)),
            stops=rng.randint(0, 2),
            part_bytes=rng.choice((PART_BYTES_MAX, PART_BYTES_MAX, 400, 150)),
        )
