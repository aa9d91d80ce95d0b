"""Pitches, scales and keys from words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import OptionError
from musicgen.music.scales import FLATS, SCALES, SHARPS, key, pitch, pitch_name, pitch_range


@pytest.mark.parametrize(
    ("text", "name", "pitch_classes"),
    [
        ("C", "C major", (0, 2, 4, 5, 7, 9, 11)),
        ("Bb minor", "Bb minor", (10, 0, 1, 3, 5, 6, 8)),
        ("Bbm", "Bb minor", (10, 0, 1, 3, 5, 6, 8)),
        ("A-", "A minor", (9, 11, 0, 2, 4, 5, 7)),
        ("a minor", "A minor", (9, 11, 0, 2, 4, 5, 7)),
        ("B♭ Major", "Bb major", (10, 0, 2, 3, 5, 7, 9)),
        ("F# dorian", "F# dorian", (6, 8, 9, 11, 1, 3, 4)),
        ("C blues", "C blues", (0, 3, 5, 6, 7, 10)),
        ("G harmonic_minor", "G harmonic minor", (7, 9, 10, 0, 2, 3, 6)),
        ("C half-whole", "C half whole", (0, 1, 3, 4, 6, 7, 9, 10)),
    ],
)
def test_keys(text: str, name: str, pitch_classes: tuple[int, ...]):
    scale = key(text)
    assert (str(scale), scale.pitch_classes, scale.root) == (name, pitch_classes, pitch_classes[0])
    assert scale.mask == sum(1 << pitch_class for pitch_class in pitch_classes)


@given(st.sampled_from(FLATS + SHARPS), st.sampled_from(sorted(SCALES)), st.integers(-12, 12))
def test_keys_print_and_transpose(root: str, name: str, up: int):
    scale = key(f"{root} {name}")
    assert key(str(scale)) == scale
    assert scale.transpose(up).transpose(-up) == scale
    assert scale.transpose(up).pitch_classes == tuple((tone + up) % 12 for tone in scale.pitch_classes)


def test_scales_rise_from_their_root():
    assert all(steps == tuple(sorted({*steps})) and steps[0] == 0 and steps[-1] < 12 for steps in SCALES.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a key such as"),
        ("H minor", "expected a key such as"),
        ("c", "expected a key such as"),
        ("C foo", r'expected one of the scales major, .* Received: "C foo"$'),
    ],
)
def test_no_key(text: str, message: str):
    with pytest.raises(OptionError, match=message):
        key(text)


def test_pitches_have_names():
    assert [pitch(pitch_name(number)) for number in range(128)] == [*range(128)]
    texts = {"C4": 60, "60": 60, "c4": 60, "B♭3": 58, "Cb4": 59, "B#3": 60, "C-1": 0, "G9": 127}
    assert {text: pitch(text) for text in texts} == texts
    assert (pitch_name(60), pitch_name(61)) == ("C4", "Db4")


@pytest.mark.parametrize("text", ["", "H4", "C", "128", "-1", "Cb-1", "G#9", "b60", "C4.5"])
def test_no_pitch(text: str):
    with pytest.raises(OptionError, match=rf'expected a pitch .* Received: "{text}"$'):
        pitch(text)


def test_pitch_names_end_at_127():
    with pytest.raises(OptionError, match=r"from 0 to 127\. Received: 128"):
        pitch_name(128)


@pytest.mark.parametrize("text", ["C3-C6", "48-84", "C3 - C6", "C3 to C6", "c3..84", "C3–C6"])
def test_ranges(text: str):
    assert pitch_range(text) == (48, 84)


def test_a_range_may_begin_below_zero():
    assert pitch_range("C-1-C4") == (0, 60)


@pytest.mark.parametrize("text", ["C6-C3", "C3", "C3-", "", "C3-C99"])
def test_no_range(text: str):
    with pytest.raises(OptionError, match="Received"):
        pitch_range(text)
