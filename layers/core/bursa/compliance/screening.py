"""A person compared with a sanctions list: by name in any spelling, and by date of birth.

The score of a hit is deterministic, from 0 to 1000, and comes with what it is made of. It is the
likeness of the best two names, corrected by the date of birth: `BIRTH_WEIGHTS`. How good the result
is, and why the threshold is where it is, is measured by `benchmarks/bench_screening.py` and written
in docs/compliance.md. A score is a reason to look, never a decision: a person decides.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from bursa.compliance.cases import HITS_MAX, Hit
from bursa.compliance.names import Name, NamePart, parse_name
from bursa.compliance.sanctions_list import BirthSpan, Entry, SanctionsList
from bursa.compliance.similarity import alike, likeness
from bursa.kernel.calendar_time import CalendarDate
from bursa.kernel.errors import InvalidInput

# See docs/compliance.md for what lower and higher ones find.
THRESHOLD: Final = 850
NAMES_MAX: Final = 10
WHOLE: Final = 1000
# Words that are less alike than this have nothing to do with each other.
_WORD_LIKENESS_MIN: Final = 640
# A word that only sounds alike, or is alike in its consonants, is less certain than one that is.
_SOUND_WORTH: Final = 980
_CONSONANTS_WORTH: Final = 930
_CONSONANTS_MIN: Final = 2
_INITIAL_WORTH: Final = 750
# How much of a name's score depends on the other name having no more words than it.
_SURPLUS_WORTH: Final = 260
# One word in common is not a person in common.
_ONE_WORD_WORTH: Final = 700
_LENGTH_WEIGHT_MAX: Final = 8
# A name that shares less with a person's can't reach any threshold that is worth a look.
_SHARED_MIN: Final = 500
_CANDIDATES_MAX: Final = 400


class BirthMatch(StrEnum):
    """How a date of birth fits those of an entry; the best first."""

    EXACT = "the date of birth is the same"
    WITHIN = "the date of birth is possible"
    SWAPPED = "day and month of birth are swapped"
    UNKNOWN = "no date of birth to compare"
    SAME_YEAR = "the year of birth is the same"
    NEAR = "the year of birth is a year off or has one other digit"
    OTHER = "the date of birth is another"


# What the date of birth does with what a name lacks to a whole score, in thousandths of it, and
# what it takes away.
BIRTH_WEIGHTS: Final = {
    BirthMatch.EXACT: (450, 0),
    BirthMatch.WITHIN: (150, 0),
    BirthMatch.SWAPPED: (300, 0),
    BirthMatch.UNKNOWN: (0, 0),
    BirthMatch.SAME_YEAR: (0, 20),
    BirthMatch.NEAR: (0, 60),
    BirthMatch.OTHER: (0, 160),
}


class Person(NamedTuple):
    """Who is compared: every name that is known of them, and when they were born."""

    names: tuple[str, ...]
    born: CalendarDate | None = None


class WordMatch(NamedTuple):
    """Two words that were taken for the same, and how alike they are."""

    theirs: str
    listed: str
    likeness: int


class ScreeningHit(NamedTuple):
    """An entry that is similar enough, and why.

    Attributes
    ----------
    score
        From the threshold to 1000.
    theirs, listed
        The names that are most alike.
    words
        Which words were taken for the same.
    name_score, birth
        What the score is made of.

    """

    entry: str
    digest: str
    score: int
    theirs: str
    listed: str
    words: tuple[WordMatch, ...]
    name_score: int
    birth: BirthMatch

    def for_case(self) -> Hit:
        """Return what a case keeps of it, which is no personal data."""
        return Hit(self.entry, self.digest, self.score)


class NameMatch(NamedTuple):
    """How alike two names are, and by which words."""

    score: int
    words: tuple[WordMatch, ...]


class Screening:
    """One list, ready to be compared with.

    Making it takes as long as reading the list; a comparison looks at the few hundred names that
    share a word with the person's.
    """

    def __init__(self, sanctions_list: SanctionsList, threshold: int = THRESHOLD) -> None:
        self.digest = sanctions_list.digest
        self._threshold = threshold
        self._names = [
            (entry, name, name.joined()) for entry in sanctions_list.entries for name in entry.names
        ]
        by_sound, by_consonants = defaultdict(set), defaultdict(set)
        for at, (_, name, joined) in enumerate(self._names):
            for part in (part for one in (name, *joined) for part in one.parts):
                by_sound[part.sound].add(at)
                by_consonants[part.consonants].add(at)
        self._by_sound = _Index(by_sound)
        self._by_consonants = _Index(by_consonants)

    def __call__(self, person: Person) -> tuple[ScreeningHit, ...]:
        """Return a person's hits, the best first, at most as many as a case keeps.

        Raises
        ------
        InvalidInput
            ``invalid_name``, ``name_not_readable``: this person can't be compared.

        """
        if not 0 < len(person.names) <= NAMES_MAX:
            raise InvalidInput("invalid_name", f"Give 1 to {NAMES_MAX} names.", field="name")
        best: dict[str, ScreeningHit] = {}
        for text in person.names:
            for hit in self._hits(parse_name(text), person.born):
                before = best.get(hit.entry)
                if before is None or (hit.score, hit.listed) > (before.score, before.listed):
                    best[hit.entry] = hit
        ranked = sorted(best.values(), key=lambda hit: (-hit.score, int(hit.entry)))
        return tuple(ranked[:HITS_MAX])

    def _hits(self, name: Name, born: CalendarDate | None) -> Iterator[ScreeningHit]:
        joined = name.joined()
        for at in self._candidates(name, joined):
            entry, listed, listed_joined = self._names[at]
            found = compare_names(name, listed, joined, listed_joined)
            birth = birth_match(born, entry.born)
            score = _with_birth(found.score, birth)
            if score >= self._threshold:
                yield _hit(entry, score, name, listed, found, birth)

    def _candidates(self, name: Name, joined: Sequence[Name]) -> list[int]:
        """Return the names that share most with one; the rest can't reach a threshold."""
        shared: dict[int, int] = defaultdict(int)
        words = {part for one in (name, *joined) for part in one.parts if not part.is_initial}
        whole = _total([part for part in name.parts if not part.is_initial])
        for part in sorted(words):
            found = self._by_sound.alike(part.sound)
            if part.is_vowelless:
                found |= self._by_consonants.alike(part.consonants)
            for at, likeness_of_it in found.items():
                shared[at] += likeness_of_it * _weight(part)
        enough = [
            at
            for at, much in shared.items()
            if much >= _SHARED_MIN * min(whole, _total(self._names[at][1].parts))
        ]
        ranked = sorted(enough, key=lambda at: (-shared[at], at))
        return ranked[:_CANDIDATES_MAX]


class _Index:
    """Which names have a word; asked by words that are alike."""

    def __init__(self, places: dict[str, set[int]]) -> None:
        self._words = sorted(places)
        self._places = [sorted(places[word]) for word in self._words]

    def alike(self, word: str) -> dict[int, int]:
        """Return by name how alike its most similar word is."""
        found: dict[int, int] = {}
        for place, much in alike(word, self._words, _WORD_LIKENESS_MIN):
            for at in self._places[place]:
                found[at] = max(much, found.get(at, 0))
        return found


def _hit(  # noqa: PLR0917 - the parts of a hit
    entry: Entry, score: int, name: Name, listed: Name, found: NameMatch, birth: BirthMatch
) -> ScreeningHit:
    return ScreeningHit(
        entry.number,
        entry.digest,
        score,
        name.text,
        listed.text,
        found.words,
        found.score,
        birth,
    )


def compare_names(
    one: Name, other: Name, one_joined: Sequence[Name] = (), other_joined: Sequence[Name] = ()
) -> NameMatch:
    """Return how alike two names are; either may also be written with two words as one."""
    pairs = [(one, other)]
    if len(one.parts) >= len(other.parts):
        pairs += [(joined, other) for joined in one_joined]
    if len(other.parts) >= len(one.parts):
        pairs += [(one, joined) for joined in other_joined]
    return max(_compare(left.parts, right.parts) for left, right in pairs)


def _compare(one: Sequence[NamePart], other: Sequence[NamePart]) -> NameMatch:
    """Return how alike two names are: whole words of the shorter, and how many more the longer has.

    The likeness of the words that were taken for the same counts by their length; a word of the
    shorter name without one in the longer counts as nothing alike.
    """
    # In an order of their own, so that it makes no difference which of them is on the list.
    fewer, more = sorted((one, other), key=lambda parts: (len(parts), _total(parts), parts))
    pairs = _pairs(fewer, more)
    if not pairs:
        return NameMatch(0, ())
    weights = [_weight_of_pair(left, right) for _, left, right in pairs]
    missed = _total(fewer) - _total([left for _, left, _ in pairs])
    surplus = _total(more) - _total([right for _, _, right in pairs])
    alike_in_all = sum(pair[0] * weight for pair, weight in zip(pairs, weights, strict=True))
    score = alike_in_all // (sum(weights) + missed)
    score = score * (WHOLE - _SURPLUS_WORTH * surplus // _total(more)) // WHOLE
    if len(pairs) == 1 and len(more) > 1:
        score = score * _ONE_WORD_WORTH // WHOLE
    words = (
        WordMatch(left.letters, right.letters, much)
        for much, left, right in (pairs if fewer is one else [_turned(pair) for pair in pairs])
    )
    return NameMatch(score, tuple(words))


def _turned(pair: tuple[int, NamePart, NamePart]) -> tuple[int, NamePart, NamePart]:
    return pair[0], pair[2], pair[1]


def _pairs(
    one: Sequence[NamePart], other: Sequence[NamePart]
) -> list[tuple[int, NamePart, NamePart]]:
    """Return which words are taken for the same, each once, the most alike first."""
    ranked = sorted(
        (
            (much, left_at, right_at)
            for left_at, left in enumerate(one)
            for right_at, right in enumerate(other)
            if (much := word_likeness(left, right)) >= _WORD_LIKENESS_MIN
        ),
        key=lambda row: (-row[0] * _weight_of_pair(one[row[1]], other[row[2]]), *row[1:]),
    )
    pairs, used_left, used_right = [], set(), set()
    for much, left_at, right_at in ranked:
        if left_at not in used_left and right_at not in used_right:
            used_left.add(left_at)
            used_right.add(right_at)
            pairs.append((much, one[left_at], other[right_at]))
    return pairs


def word_likeness(one: NamePart, other: NamePart) -> int:
    """Return from 0 to 1000 how alike two words are, by letters, sound or consonants."""
    if one.is_initial or other.is_initial:
        is_same = one.letters[0] == other.letters[0] or one.sound[:1] == other.sound[:1]
        return _INITIAL_WORTH if is_same else 0
    by_sound = likeness(one.sound, other.sound) * _SOUND_WORTH // WHOLE
    much = max(likeness(one.letters, other.letters), by_sound)
    if one.is_vowelless or other.is_vowelless:
        shortest = min(len(one.consonants), len(other.consonants))
        if shortest >= _CONSONANTS_MIN:
            alike_in = likeness(one.consonants, other.consonants)
            much = max(much, alike_in * _CONSONANTS_WORTH // WHOLE)
    return much


def _weight(part: NamePart) -> int:
    return min(len(part.letters), _LENGTH_WEIGHT_MAX)


def _weight_of_pair(one: NamePart, other: NamePart) -> int:
    # A short word that is alike by chance must not outweigh a long one.
    return (
        min(_weight(one), _weight(other))
        if one.is_initial or other.is_initial
        else max(_weight(one), _weight(other))
    )


def _total(parts: Sequence[NamePart]) -> int:
    return sum(map(_weight, parts))


def _with_birth(score: int, birth: BirthMatch) -> int:
    gained, lost = BIRTH_WEIGHTS[birth]
    return max(0, score + (WHOLE - score) * gained // WHOLE - lost)


def birth_match(born: CalendarDate | None, spans: Sequence[BirthSpan]) -> BirthMatch:
    """Return how well a date of birth fits the best of an entry's."""
    if born is None or not spans:
        return BirthMatch.UNKNOWN
    order = list(BirthMatch)
    return min((_fit(born, span) for span in spans), key=order.index)


def _fit(born: CalendarDate, span: BirthSpan) -> BirthMatch:
    first, last = span
    if first == born == last:
        return BirthMatch.EXACT
    if first <= born <= last:
        return BirthMatch.WITHIN
    if first == last and (first.year, first.month, first.day) == (born.year, born.day, born.month):
        return BirthMatch.SWAPPED
    if first.year <= born.year <= last.year:
        return BirthMatch.SAME_YEAR
    is_near = first.year - 1 <= born.year <= last.year + 1
    if is_near or (first.year == last.year and _digits_off(first.year, born.year) == 1):
        return BirthMatch.NEAR
    return BirthMatch.OTHER


def _digits_off(one: int, other: int) -> int:
    return sum(left != right for left, right in zip(f"{one:04d}", f"{other:04d}", strict=True))
