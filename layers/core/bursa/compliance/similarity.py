"""How alike two words are, by rapidfuzz: the one place where it is imported."""

from collections.abc import Iterator, Sequence
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

# A neighbour swapped, left out, added or changed counts once.
_PER_MILLE: Final = 1000


def likeness(one: str, other: str) -> int:
    """Return from 0 to 1000 how many of the longer word's letters need no change."""
    longest = max(len(one), len(other))
    if not longest:
        return 0
    return _PER_MILLE - _PER_MILLE * OSA.distance(one, other) // longest


def alike(word: str, words: Sequence[str], at_least: int) -> Iterator[tuple[int, int]]:
    """Yield place and likeness of the words that are as alike to one, in no order."""
    cutoff = at_least / _PER_MILLE
    found = process.extract(
        word, words, scorer=OSA.normalized_similarity, score_cutoff=cutoff, limit=None
    )
    for text, _, place in found:
        yield place, likeness(word, text)
