"""Names of any text: the screening refuses them or compares them, and always the same."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bursa.compliance.names import Name, parse_name
from bursa.compliance.screening import WHOLE, Person, Screening, compare_names
from bursa.kernel.errors import InvalidInput
from tests.doubles.screening_set import made_list

SCREENING = Screening(made_list())
LETTERS = st.text("abdeghiklmnoprstuyzжияüéعمد", min_size=2, max_size=12)
NAMES = st.lists(LETTERS, min_size=1, max_size=5).map(" ".join)
# In scripts that write all vowels; of others two names may be alike though they are not the same.
SPELLED_OUT = st.text("abdeghiklmnoprstuyzжияüé", min_size=2, max_size=12)
SPELLED_OUT_NAMES = st.lists(SPELLED_OUT, min_size=1, max_size=5).map(" ".join)


def name_of(text: str) -> Name:
    try:
        return parse_name(text)
    except InvalidInput:
        assume(condition=False)
        raise


@given(st.text(max_size=220))
def test_any_text_is_compared_or_refused(text: str) -> None:
    try:
        hits = SCREENING(Person((text,)))
    except InvalidInput as error:
        assert error.code in {"invalid_name", "name_not_readable"}  # noqa: PT017 - either may be
    else:
        assert all(0 <= hit.score <= WHOLE for hit in hits)
        assert hits == SCREENING(Person((text,)))


@given(SPELLED_OUT_NAMES, st.randoms(use_true_random=False))
def test_a_name_is_wholly_like_itself_in_any_order(text: str, order: object) -> None:
    name = name_of(text)
    words = list(name.parts)
    order.shuffle(words)  # type: ignore[attr-defined]
    assert compare_names(name, Name(text, tuple(words))).score == WHOLE


@given(NAMES, NAMES)
@settings(max_examples=300)
def test_it_makes_no_difference_which_name_is_listed(one: str, other: str) -> None:
    left, right = name_of(one), name_of(other)
    found = compare_names(left, right, left.joined(), right.joined())
    turned = compare_names(right, left, right.joined(), left.joined())
    assert found.score == turned.score
    assert 0 <= found.score <= WHOLE
