"""What a config promises, whatever its fields are."""

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tinyvit.config.fields import Config, option
from tinyvit.errors import UserError


@dataclasses.dataclass(frozen=True)
class Inner(Config):
    size: int = option(3, "how large", at_least=2, below=5)


@dataclasses.dataclass(frozen=True)
class Outer(Config):
    inner: Inner = Inner()
    share: float = option(0.5, "how much", below=1)
    pair: int | tuple[int, int] = option(1, "one, or two")
    place: str | None = option(None, "where")
    mode: Literal["auto"] | int = option("auto", "how")
    loud: bool = option(False, "whether")


def test_a_config_survives_its_dict_and_nested_ones_are_checked():
    config = Outer(inner={"size": np.int8(4)}, pair=[2, 3], place=Path("a/b"), mode=7)
    assert config == Outer(Inner(4), 0.5, (2, 3), str(Path("a/b")), 7, False)
    assert Outer.from_dict(config.to_dict()) == config
    with pytest.raises(UserError, match="size must be a whole number of at least 2 and below 5, got 5"):
        Outer.from_dict({"inner": {"size": 5}})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"share": 1}, "share must be a number of at least 0 and below 1, got 1: choose another value"),
        ({"share": np.array(0.5)}, "share must be a number"),
        ({"pair": (1, 2, 3)}, "pair must be a whole number of .* or 2 such numbers"),
        ({"pair": [1, -1]}, "pair must be"),
        ({"place": b"x"}, "place must be text or None"),
        ({"mode": "manual"}, "mode must be auto or a whole number"),
        ({"loud": 0}, "loud must be true or false, got 0"),
        ({"inner": 3}, "inner must be a config of type Inner"),
        ({"louder": True}, "unknown fields: louder"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, sentence):
    with pytest.raises(UserError, match=sentence):
        Outer.from_dict(change)


def test_a_long_value_is_shown_in_short():
    with pytest.raises(UserError) as caught:
        Outer(mode="x" * 10_000)
    assert len(str(caught.value)) < 200
