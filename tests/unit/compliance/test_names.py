"""Names of any script and spelling, as words that can be compared."""

import pytest

from bursa.compliance.names import parse_name
from bursa.compliance.romanisation import romanise
from bursa.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "letters"),
    [
        ("Müller, Jürgen", "muller  jurgen"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("O’Connor-Smith", "oconnor smith"),
        ("J. R. Tolk", "j r tolk"),
        ("Дмитрий Щербаков", "dmitriy shcherbakov"),
        ("Їжакевич Оксана", "yizhakevich oksana"),
        ("Γεώργιος Ευαγγέλου", "georgios evangelou"),
        ("محمد", "mhmd"),
        ("张文浩", "zhang wenhao"),
        ("歐阳明", None),
        ("欧阳志强", "ouyang zhiqiang"),
        ("Nguyễn Văn", "nguyen van"),
        ("ＦＵＬＬ width", "full width"),
        ("a\u200bb", "ab"),
        ("Агент 007", None),
        ("ไทย", None),
        ("Name\u0000", "name"),
    ],
)
def test_a_name_in_latin_letters_or_refused(written: str, letters: str | None) -> None:
    if letters is None:
        with pytest.raises(InvalidInput) as raised:
            romanise(written)
        assert raised.value.code == "name_not_readable"
    else:
        assert romanise(written) == " ".join(letters.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Juergen Mueller", "Jürgen Müller"),
        ("Sergej Lavrow", "Sergey Lavrov"),
        ("Mohammed", "Muhamad"),
        ("Abdurrahman", "Abd al-Rahman"),
        ("Abdallah", "Abdullah"),
        ("Hsu", "Xu"),
        ("Chang Wei", "Zhang Wei"),
        ("Khalid", "Halid"),
        ("Husayn", "Hussein"),
    ],
)
def test_spellings_of_one_pronunciation_sound_the_same(one: str, other: str) -> None:
    assert [part.sound for part in parse_name(one).parts] == [
        part.sound for part in parse_name(other).parts
    ]


@pytest.mark.parametrize(
    ("arabic", "latin"),
    [
        ("محمد", "Muhammad"),
        ("يوسف", "Yusuf"),
        ("عمر", "Omar"),
        ("وليد", "Waleed"),
        ("ابراهيم", "Ibrahim"),
    ],
)
def test_what_is_written_without_vowels_has_the_same_consonants(arabic: str, latin: str) -> None:
    (one,), (other,) = parse_name(arabic).parts, parse_name(latin).parts
    assert one.is_vowelless
    assert one.consonants == other.consonants


@pytest.mark.parametrize(
    ("written", "letters"),
    [
        ("Dr. Ali bin Hassan al-Masri", ["ali", "hassan", "masri"]),
        ("Van Der", ["van", "der"]),
        ("de la Vega, José", ["vega", "jose"]),
        ("عبد الرحمن", ["abd", "rhmn"]),
        ("SOKOLOV, Dmitri", ["sokolov", "dmitri"]),
    ],
)
def test_titles_and_particles_do_not_count_unless_there_is_nothing_else(
    written: str, letters: list[str]
) -> None:
    assert [part.letters for part in parse_name(written).parts] == letters


@pytest.mark.parametrize("text", ["", " ,.- ", "x" * 201, "a b c d e f g h i j", "x" * 41])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_name(text)
    assert raised.value.code == "invalid_name"


def test_neighbours_are_also_tried_as_one_word_but_initials_are_not() -> None:
    joined = [
        [part.letters for part in name.parts] for name in parse_name("Xiao Ping J Deng").joined()
    ]
    assert joined == [["xiaoping", "j", "deng"]]
