"""The text encodings: any line there and back, a vocabulary by frequency, prefixes and lengths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import InputError, OptionError, RequestError
from musicgen.music.constraints import plan
from musicgen.music.encodings import CharacterEncoding, WordEncoding
from musicgen.music.encodings.text import END, UNKNOWN, TextWishes
from musicgen.music.vocabulary import Field, Vocabulary
from musicgen.neural import sampling
from tests.contracts import check_encoding, check_grammar, check_request, untaught_player

NAMES = ["anna", "hannah", "ann", "Zoë", ""]
LINES = ["The cat sat.", "the cat's hat, the well-worn hat!", "<UNK> of <EOS>", "a  tab\tand\nlines"]


@pytest.mark.parametrize(("kind", "lines"), [(CharacterEncoding, NAMES), (WordEncoding, LINES)])
def test_decoding_undoes_encoding(kind, lines):
    encoding = kind.learned(lines, 100)
    check_encoding(encoding, [*lines, "words never seen \N{GRINNING FACE}", "\n", "\ufffd"])
    check_request(encoding)
    check_grammar(encoding, 7)


@given(
    st.lists(st.text(max_size=20), max_size=5), st.text(max_size=20), st.sampled_from([CharacterEncoding, WordEncoding])
)
def test_any_vocabulary_takes_any_line(corpus, line, kind):
    check_encoding(kind.learned(corpus, 10), [line])


def test_characters_are_kept_as_they_are():
    encoding = CharacterEncoding.learned(NAMES, 100)
    assert all(encoding.decode(*encoding.encode(name)) == name for name in NAMES)


def test_the_most_frequent_values_stay_and_the_rest_is_unknown():
    encoding = WordEncoding.learned(["to be or not to be", "to do"], 2)
    assert encoding.vocabulary.fields[0].values == ("<EOS>", "<UNK>", "to", "be")
    values, _ = encoding.encode("to be or not")
    assert values[:, 0].tolist() == ["to", "be", "<UNK>", "<UNK>", "<EOS>"]


def test_a_line_ends_once_and_within_its_length():
    encoding = CharacterEncoding.learned(NAMES, 100)
    wishes = TextWishes(length=3)
    planned = plan(encoding.rules(wishes, encoding.asked(wishes)), encoding.ticks)
    assert planned.end == 4
    end_only = planned.allowed[0][0, planned.kind[3]]
    assert end_only[END]
    assert end_only.sum() == 1
    assert not planned.allowed[0][0, planned.kind[0], UNKNOWN]


def test_a_prefix_is_what_the_line_begins_with():
    encoding = CharacterEncoding.learned(NAMES, 100)
    wishes = TextWishes(prefix="han", length=6)
    context = encoding.asked(wishes)
    asked = sampling.request(
        context.timeline, plan(encoding.rules(wishes, context), encoding.ticks), sampling.SamplingOptions()
    )
    drawn = sampling.sample(untaught_player(encoding).walk, encoding, asked, clips=range(20), seed=0)
    lines = [encoding.decode(encoding.vocabulary.values(steps), context) for steps in drawn]
    assert all(line.startswith("han") and len(line) <= 6 for line in lines)
    assert len(set(lines)) > 5


def test_what_cannot_be_asked_for_is_told():
    encoding = CharacterEncoding.learned(NAMES, 100)
    for wishes, words in ((TextWishes("Q"), "'Q'"), (TextWishes("anna", length=3), "at most 3 characters")):
        with pytest.raises(RequestError, match=words):
            encoding.rules(wishes, encoding.asked(wishes))
    with pytest.raises(OptionError, match="length: expected a whole number from 1"):
        TextWishes(length=0)


def test_a_vocabulary_of_another_encoding_is_refused():
    for vocabulary in (Vocabulary("characters", (Field("character", ("a", "b", "c")),)), Vocabulary("jazz", ())):
        with pytest.raises(InputError, match="expected a vocabulary of the encoding characters"):
            CharacterEncoding.of(vocabulary)


def test_a_line_s_likelihood_counts_its_end():
    encoding = CharacterEncoding.learned(NAMES, 100)
    values, context = encoding.encode("ann")
    scored = encoding.scored(encoding.vocabulary.indices(values), np.array([[1.0], [2.0], [3.0], [6.0]]))
    assert encoding.measured(scored) == {"characters": 4, "nats_per_character": 3.0}
    assert list(encoding.places(values, context)) == [("a",), ("n",), ("n",), ("\n",)]
