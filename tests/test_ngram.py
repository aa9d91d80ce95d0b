"""The floor that counting sets: probabilities that sum to one, and what it learns of what it has seen."""

import numpy as np

from benchmarks.ngram import NGram
from musicgen.music.encodings import CharacterEncoding

LETTERS = CharacterEncoding.learned(["abc"], 10)


def steps(line: str) -> np.ndarray:
    return LETTERS.vocabulary.indices(LETTERS.encode(line)[0]).astype(np.int64)


def test_the_probabilities_of_all_values_sum_to_one():
    model = NGram(LETTERS, [steps("abcabc"), steps("aab")] * 6, steps=2)
    for before in ("", "ab", "cc"):
        last = [np.append(steps(before)[:-1], [[value]], axis=0) for value in range(LETTERS.sizes[0])]
        assert np.isclose(sum(np.exp(-model.nats(line)[-1, 0]) for line in last), 1)


def test_what_always_follows_is_soon_certain():
    model = NGram(LETTERS, [steps("abcabcabc")] * 20, steps=2)
    assert model.nats(steps("abcabcabc")).max() < 0.1
    assert model.nats(steps("acb"))[1, 0] > 3


def test_order_finds_what_tells_most():
    lines = ["".join(np.random.default_rng(n).choice(["ab", "ba"], 20)) for n in range(30)]  # pairs: by place alone
    nats = NGram(LETTERS, [steps(line) for line in lines], steps=1).nats(steps("abbaabba"))[:-1, 0]
    assert nats[0::2].mean() > 0.5
    assert nats[1::2].mean() < 0.1
