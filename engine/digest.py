"""The rolling state digest: 64 bits that equal histories share and any difference changes.

Each word of output is multiplied with a fixed random key, the products are summed (multilinear
hashing: Carter and Wegman 1979) and folded block by block. Events hold all that a
command changes, so they represent the state. It guards against divergence, not against
forgery: the journal's own hash chain does that.

Keys are odd, so one word that differs always changes the digest; that several make up for each
other has a chance of about 2^-29. They have 30 bits because such products are cheapest everywhere:
as a constant in an instruction, and as one digit of a Python integer.
"""

MASK = (1 << 64) - 1
BLOCK_WORDS = 64
KEY_BITS = 30
MULTIPLIER = 0x9E3779B97F4A7C15


def _keys() -> tuple[int, ...]:
    """Return the block's keys: bits of splitmix64 (Steele, Lea, Flood 2014) seeded with 0."""
    keys = []
    for index in range(1, BLOCK_WORDS + 1):
        z = index * MULTIPLIER & MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        keys.append((z ^ z >> 31) >> 64 - KEY_BITS | 1)
    return tuple(keys)


KEYS = _keys()


class Digest:
    """The digest of all words so far; where batches begin and end makes no difference."""

    def __init__(self, value: int = 0, total: int = 0, length: int = 0) -> None:
        self.value, self.total, self.length = value, total, length

    def fold(self, words: list[int]) -> None:
        """Take in some more words."""
        for word in words:
            self.total = self.total + word * KEYS[self.length] & MASK
            self.length += 1
            if self.length == BLOCK_WORDS:
                self.value, self.total, self.length = self.now(), 0, 0

    def now(self) -> int:
        """Return the digest with the block that is not full yet."""
        if not self.length:
            return self.value
        digest = ((self.value ^ self.total) * MULTIPLIER + self.length) & MASK
        return digest ^ digest >> 32
