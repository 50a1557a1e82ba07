"""Modes of `tinyvit bench`: a flag that one does not use is refused, not passed over."""

import pytest

from tinyvit.cli import build_parser, main
from tinyvit.cli.bench_modes import MODEL, STEP, USES, mode_of

VALUES = {
    "batch_size": "8", "workers": "1", "rounds": "2", "against": "torch", "compile": None, "seconds": "9", "runs": "1",
    "output": "a.png", "recipe": "fast", "baseline": "best", "tasks": "mae", "device": "cuda",
}  # fmt: skip
MODES = [mode for mode in USES if mode != STEP]
ALL = sorted({name for uses in USES.values() for name in uses} - {MODEL})


def flag(name: str) -> list[str]:
    value = VALUES.get(name)
    return [f"--{name.replace('_', '-')}", *([value] if value else [])]


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    monkeypatch.setattr("tinyvit.backend.resolve_device", lambda name: "cuda:0" if name == "cuda" else "cpu")


def mode(*flags: str) -> str:
    return mode_of(build_parser("bench").parse_args(["bench", *flags]))


@pytest.mark.parametrize("name", MODES)
def test_a_mode_takes_all_that_it_uses(name):
    used = [part for use in USES[name] for part in (["--depth", "2"] if use == MODEL else flag(use))]
    assert mode(*flag(name), *used) == name


def test_a_step_takes_all_that_it_uses():
    used = [part for use in USES[STEP] if use != MODEL for part in flag(use)]
    assert mode(*used, "vit_tiny_patch16_224", "--depth", "2") == STEP
    assert mode("--json", "--device", "cpu") == STEP


@pytest.mark.parametrize("name", MODES)
def test_a_mode_refuses_all_else(name, capsys):
    others = [flag(o) for o in [*ALL, *MODES] if o not in (*USES[name], name) and name not in USES.get(o, ())]
    if MODEL not in USES[name]:
        others += [["--embed-dim", "8"], ["vit_tiny_patch16_224"]]
    for other in others:
        assert main(["bench", *other, *flag(name)]) == 2, other
        err = capsys.readouterr().err
        assert "does not go with" in err
        assert other[0] in err
        assert flag(name)[0] in err
        assert "leave one of them out" in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("name", [name for name in ALL if name not in (*USES[STEP], *MODES)])
def test_what_needs_a_mode_says_which(name, capsys):
    assert main(["bench", *flag(name)]) == 2
    users = [f"--{mode}" for mode in MODES if name in USES[mode]]
    assert f"is for {' or '.join(users)}: add one of them, or leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--compile"], ["--tasks", "mae", "--rounds", "2"], ["--tasks", "--workers", "1"]])
def test_what_only_pytorch_needs_asks_for_it(flags, capsys):
    assert main(["bench", *flags]) == 2
    assert "is for --against torch: add that, or leave it out" in capsys.readouterr().err
    assert mode(*flags, "--against", "torch") in (STEP, "tasks")
