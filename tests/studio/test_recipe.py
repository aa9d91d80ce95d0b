"""Recipes: a TOML file there and back, and settings that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen.errors import OptionError
from musicgen.neural.options import CELLS, FORMS
from musicgen.studio.composer import Composer
from musicgen.studio.recipe import Recipe


def share(**bounds):
    return st.floats(0, 1, **bounds)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "cell": st.sampled_from(CELLS),
        "units": st.integers(1, 4096),
        "layers": st.integers(1, 8),
        "dropout": share(exclude_max=True),
        "form": st.sampled_from(FORMS),
        "Tx": st.integers(1, 4096),
        "batch": st.integers(1, 512),
        "learning_rate": share(exclude_min=True),
        "epochs": st.integers(1, 10_000),
        "minutes": st.none() | st.integers(1, 100) | st.floats(1e-3, 1e3),
        "clip_norm": st.floats(1e-3, 1e3),
        "transpose": st.tuples(st.integers(-12, 0), st.integers(0, 12)),
        "seed": st.integers(0, 2**32 - 1),
        "temperature": st.floats(1e-2, 2) | st.just(0.0),
        "top_p": st.floats(1e-2, 1),
        "top_k": st.integers(0, 200),
    },
)


@given(SETTINGS)
def test_a_recipe_survives_its_file(settings):
    recipe = Recipe().with_settings(**settings)
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_a_file_that_leaves_things_out_has_the_defaults():
    assert Recipe.from_toml("") == Recipe()
    assert Recipe.from_toml("[network]\nunits = 7\n") == Recipe().with_settings(units=7)


UNKNOWN = [{"colour": 3}, {"Units": 3}]
WRONG_TYPE = [
    {"units": "many"},
    {"units": 2.5},
    {"layers": True},
    {"cell": 7},
    {"dropout": "high"},
    {"Tx": 1.5},
    {"epochs": "all"},
    {"minutes": "soon"},
    {"seed": 0.5},
    {"transpose": 5},
    {"transpose": (1,)},
    {"transpose": ("a", "b")},
    {"temperature": "hot"},
    {"top_k": 1.5},
]
OUT_OF_RANGE = [
    {"units": 0},
    {"layers": -1},
    {"dropout": 1.0},
    {"dropout": float("nan")},
    {"learning_rate": 0.0},
    {"learning_rate": float("inf")},
    {"clip_norm": float("nan")},
    {"minutes": -1.0},
    {"Tx": 0},
    {"batch": 0},
    {"epochs": 0},
    {"seed": -1},
    {"transpose": (3, -3)},
    {"temperature": -0.1},
    {"temperature": float("nan")},
    {"top_p": 0.0},
    {"top_p": 1.1},
    {"top_k": -1},
]


@pytest.mark.parametrize("settings", [*UNKNOWN, *WRONG_TYPE, *OUT_OF_RANGE], ids=str)
def test_a_setting_that_is_none_is_one_sentence(settings):
    (name,) = settings
    with pytest.raises(OptionError, match=rf"\A.*{name.replace('_', '.')}.* Received: .*\Z|\A.* Received: {name}\Z"):
        Composer(**settings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("encoding = 'morse'", "encoding.*morse"),
        ("encoding = 3", "encoding.*3"),
        ("colour = 3", "colour"),
        ("[networks]\nunits = 3", "networks"),
        ("[network]\ncolour = 3", "network.*colour"),
        ("network = 3", "network.*3"),
        ("[network]\nunits = 'many'", "units.*many"),
        ("[network]\nunits = 24.0", r"units.*24\.0"),
        ("[network]\nunits = true", "units.*True"),
        ("[network]\nunits = 0", "units.*0"),
        ("[network]\ndropout = 'high'", "dropout.*high"),
        ("[training]\nminutes = 'soon'", "minutes.*soon"),
        ("[training]\ntranspose = [1]", "transpose.*1"),
        ("[training]\ntranspose = ['a', 'b']", "transpose.*a"),
        ("[training]\nepochs = [2]", "epochs.*2"),
        ("[sampling]\ntemperature = nan", "temperature.*nan"),
        ("[sampling]\ntop_p = 2", "top.p.*2"),
        ("units = ", "TOML"),
        ("\x00", "TOML"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_sentence(text, says):
    with pytest.raises(OptionError, match=rf"\A.*{says}.*\Z") as raised:
        Recipe.from_toml(text)
    assert "Received: " in str(raised.value)
