import numpy as np
import pytest

from musicgen.errors import InputError
from musicgen.music.vocabulary import Field, Vocabulary

MIXED = Vocabulary("mixed", (Field("pitch", (60, 61, 62, "rest")), Field("wait", (0, 6, 12), "ticks", True)))


def test_indices_and_values_are_inverse():
    values = np.array([[60, 12], ["rest", 0]], dtype=object)
    indices = MIXED.indices(values)
    assert indices.tolist() == [[0, 2], [3, 0]]
    assert [str(value) for value in MIXED.values(indices)[:, 0]] == ["60", "rest"]


def test_a_vocabulary_survives_its_file():
    assert Vocabulary.from_json(MIXED.to_json()) == MIXED
    assert '"rest"' in MIXED.to_json()


def test_a_clock_moves_by_the_values_of_its_field():
    assert MIXED.fields[1].ticks.tolist() == [0, 6, 12]
    assert MIXED.fields[0].ticks.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("value", [63, -1, "quiet"])
def test_an_unknown_value_is_named(value):
    with pytest.raises(InputError, match=r"pitch: expected a value from 60 to 'rest'\. Received: "):
        MIXED.indices(np.array([[value, 0]], dtype=object))


def test_what_is_no_vocabulary_is_refused():
    with pytest.raises(InputError, match="expected a vocabulary in JSON"):
        Vocabulary.from_json('{"fields": 3}')
