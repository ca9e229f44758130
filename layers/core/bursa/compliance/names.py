"""A person's name as parts that can be compared: letters, sound, and consonants.

Order, accents, titles and particles don't count, joined and parted spellings are both tried, and an
initial is known as one. Nothing here decides whether two names are alike; see
`bursa.compliance.screening`.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from bursa.compliance.romanisation import romanise
from bursa.kernel.errors import InvalidInput

NAME_LENGTH_MAX: Final = 200
PARTS_MAX: Final = 8
_LETTERS_MAX: Final = 40

# What stands between or before names and is often left out.
_PARTICLES_AND_TITLES: Final = """
al el ul ad ar as ash at az bin ibn ben bint ould wuld da das de del della den der di do dos du
la las le lo los san van von zu und and the mr mrs ms miss dr prof sir haji hajji hadji sheikh
shaykh sheik mullah maulvi qari sayyid ustad jr sr ii iii iv
"""
_PARTICLES: Final = frozenset(_PARTICLES_AND_TITLES.split())
# One word in many romanisations: the first stands for all.
_SAME: Final = {
    other: first
    for first, *others in (
        row.split()
        for row in (
            "muhammad mohammed mohamed mohammad mohamad muhammed mehmed mohamet muhamad mohd md",
            "abd abdul abdel abdal abdur abdou",
            "abdullah abdallah abdulah abdallh",
            "abu abou",
            # Cantonese, Wade-Giles and local spellings of Chinese family names, as in pinyin.
            "chen chan tan",
            "zhang chang cheung teo",
            "wang wong",
            "li lee lei",
            "liu lau liew",
            "wu ng",
            "zhou chou chow chau",
            "xu hsu hui tsui",
            "zhao chao chiu",
            "zhu chu",
            "cai tsai choi chua",
            "lin lam lim",
            "yang yeung",
            "liang leung",
            "guo kuo kwok",
            "huang hwang ooi",
            "xie hsieh tse",
            "zheng cheng tay",
            "zeng tseng tsang",
            "jiang chiang keung",
            "deng teng tang",
        )
    )
    for other in (first, *others)
}
_JOINED_SERVANT: Final = re.compile(
    r"(?!abd[aeiou]?l+a?h?$)abd(?:[aeiou]|(?=[lr]))[lrsznt]?(?=[a-z]{4})"
)
_JOINED_PARTICLES: Final = re.compile(r"^v[ao]nde[rn](?=[a-z]{4})")
_SOUNDS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"shch|sch|sz|sh", "s"),
        (r"tch|cz|zh|ch|q(?=i)", "C"),
        (r"dj|dzh", "j"),
        (r"kh", "h"),
        (r"ph", "f"),
        (r"th|dt", "t"),
        (r"gh|gu(?=[ei])", "g"),
        (r"dh", "d"),
        (r"hs|^x|c(?=[eiy])", "s"),
        (r"x", "ks"),
        (r"ck|c|q", "k"),
        (r"tz|ts|dz", "z"),
        (r"w", "v"),
        (r"ae", "a"),
        (r"oe", "o"),
        (r"ue|oo|ou", "u"),
        (r"[ea][iyj](?![aeou])", "ei"),
        (r"[yj]|ee|ie", "i"),
        (r"o", "u"),
        (r"(?<=.)h$", ""),
        (r"f+$", "v"),
        (r"(.)\1+", r"\1"),
    )
)
# Between vowels v may be the vowel u, as in scripts that write both alike.
_VOWELS: Final = re.compile(r"(?<!^)(?:[aeiou]|v(?=.))")


class NamePart(NamedTuple):
    """A word of a name.

    Attributes
    ----------
    letters
        As romanised.
    sound
        Equal for most spellings of one pronunciation.
    consonants
        What is left of the sound without vowels, but with its beginning.
    is_vowelless
        Whether it was written in a script that leaves short vowels out.

    """

    letters: str
    sound: str
    consonants: str
    is_vowelless: bool

    @property
    def is_initial(self) -> bool:
        """Return whether it is one letter that stands for a name."""
        return len(self.letters) == 1

    def joined_to(self, other: "NamePart") -> "NamePart":
        """Return both as one word."""
        return NamePart(
            self.letters + other.letters,
            self.sound + other.sound.removeprefix(self.sound[-1:]),
            self.consonants + other.consonants,
            self.is_vowelless and other.is_vowelless,
        )


class Name(NamedTuple):
    """A name's parts in the order in which they were written."""

    text: str
    parts: tuple[NamePart, ...]

    def joined(self) -> "list[Name]":
        """Return the name with each two neighbours written as one word."""
        return [
            Name(
                self.text,
                (*self.parts[:at], one.joined_to(other), *self.parts[at + 2 :]),
            )
            for at, (one, other) in enumerate(zip(self.parts, self.parts[1:], strict=False))
            if not (one.is_initial or other.is_initial)
        ]


def parse_name(text: str) -> Name:
    """Read a name; a family name before a comma needs no other treatment than the rest.

    Raises
    ------
    InvalidInput
        ``invalid_name``: nothing to compare, or more than any name has; ``name_not_readable``

    """
    if len(text) > NAME_LENGTH_MAX:
        raise _invalid()
    words = []
    for written in re.split(r"[\s,;/-]+", text):
        is_vowelless = any("\u0600" <= character <= "\u06ff" for character in written)
        for word in romanise(written).split():
            plain = word.removeprefix("al") if is_vowelless and len(word) > 4 else word  # noqa: PLR2004
            words += [(one, is_vowelless) for one in _parted(plain)]
    named = [one for one in words if one[0] not in _PARTICLES] or words
    if not named or len(named) > PARTS_MAX or any(len(word) > _LETTERS_MAX for word, _ in named):
        raise _invalid()
    parts = tuple(part_of(word, is_vowelless=is_vowelless) for word, is_vowelless in named)
    return Name(text, parts)


def _parted(word: str) -> list[str]:
    """Return ``abdulrahman`` as two words, as it is often written, and none of ``vander``."""
    found = _JOINED_SERVANT.match(word)
    if found is None:
        return [_JOINED_PARTICLES.sub("", word)]
    return ["abd", word[found.end() :]]


@lru_cache(maxsize=1 << 14)
def part_of(letters: str, *, is_vowelless: bool = False) -> NamePart:
    """Return a word of a name with how it sounds."""
    same = _SAME.get(letters, letters)
    sound = same
    for pattern, replacement in _SOUNDS:
        sound = pattern.sub(replacement, sound)
    # That a word begins with a vowel is heard, whichever it is.
    first = re.sub(r"^[aeiou]", "i" if letters[0] in "yj" else "a", sound)
    consonants = re.sub(r"(.)\1+", r"\1", _VOWELS.sub("", first))
    return NamePart(letters, sound, consonants, is_vowelless)


def _invalid() -> InvalidInput:
    return InvalidInput(
        "invalid_name",
        f"Give a name of 1 to {PARTS_MAX} words and at most {NAME_LENGTH_MAX} characters.",
        field="name",
    )
