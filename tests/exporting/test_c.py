"""Every kind of classifier as one file of C compiles without a warning and answers as the model does."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.exporting import KINDS, model_of
from tinyvit import UserError, VisionTransformer
from tinyvit.exporting import c_source as module
from tinyvit.exporting.c_source import TEMPLATE, c_source
from tinyvit.exporting.compare import TOLERANCE, difference, examples, run_c
from tinyvit.exporting.export import by_channel, subject_of
from tinyvit.exporting.subject import Wanted

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="tests of exported C need a C compiler, cc")
STRICT = ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
OF_IMAGES = [name for name, config in KINDS.items() if config.stem != "words"]
STATISTICS = by_channel([0.2, 0.6], [0.3, 0.25])


def far(path, model, wanted, change=lambda text: text):
    """The worst difference of the compiled file from the model; `change` of the text is for sabotage."""
    text = c_source(model, ["a"] * model.config.num_classes, STATISTICS, normalise=bool(wanted.statistics))
    path.write_text(change(text))
    given, answers = examples(subject_of(model, wanted), np.dtype(np.float32))
    (got,) = run_c(path, given, answers).values()
    return difference(got, *answers.values())


@needs_cc
@pytest.mark.parametrize("name", others_slow(OF_IMAGES))
@pytest.mark.parametrize("normalise", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_kind(name, normalise, tmp_path):
    model, wanted = model_of(name), Wanted(statistics=STATISTICS if normalise else None)
    if model.config.in_chans != 2:
        wanted = Wanted()
    assert far(tmp_path / "model.c", model, wanted) < TOLERANCE
    subprocess.run([*STRICT, tmp_path / "model.c"], check=True)


@needs_cc
def test_without_blocks(tmp_path):
    for name in ("registers", "mean pooling"):
        config = dataclasses.replace(KINDS[name], depth=0)
        model = VisionTransformer(config, rng=np.random.default_rng(0))
        assert far(tmp_path / "model.c", model, Wanted()) < TOLERANCE
        subprocess.run([*STRICT, tmp_path / "model.c"], check=True)


SABOTAGES = [
    ("cls token, erf", "weights[token] /= sqrtf(d);", ""),
    ("cls token, erf", "- mean) * rstd", ") * rstd"),
    ("cls token, erf", "sqrtf(variance / D + EPS)", "sqrtf(variance / D + 0.01f)"),
    ("cls token, erf", "kv_step + first + i", "kv_step + i"),
    ("cls token, erf", "erff(x[i] * 0.70710678f)", "erff(x[i])"),
    ("cls token, erf", "residual(x, branch, rows, b->ls1_gamma);", ""),
    ("cls token, erf", "(c * H + i * P + u) * W + j * P + v", "(c * H + i * P + v) * W + j * P + u"),
    ("layer scale", "gamma[i % D] * branch[i]", "branch[i]"),
    ("conv stem", "column + v - 1", "column + v"),
    ("tanh", "0.044715f", "0.04f"),
    ("pre-norm, quick", "1.702f", "1.7f"),
    ("everything", "int token = T;", "int token = 0;"),
    ("distilled", "output[k] = 0.5f * ", "output[k] = "),
    ("attention pooling, prefix", "x + T * D, L,", "x, L,"),
]


@needs_cc
@pytest.mark.parametrize(("name", "right", "wrong"), others_slow(SABOTAGES))
def test_a_broken_line_is_noticed(name, right, wrong, tmp_path):
    def change(text):
        assert right in text
        return text.replace(right, wrong)

    assert far(tmp_path / "model.c", model_of(name), Wanted(), change) > TOLERANCE


def test_it_fits_on_a_page():
    assert len(TEMPLATE.read_text().splitlines()) <= 300
    assert TEMPLATE.read_text().count("#include") == 1
    text = c_source(model_of("cls token, erf"), ["a", "b", "c"], STATISTICS)
    assert "#if" not in text
    assert "@" not in text.replace("x @ weight", "")
    assert "conv2d" not in text
    assert "mean 0.2, 0.6, std 0.3, 0.25" in text


@needs_cc
@pytest.mark.parametrize(
    "name",
    others_slow(['"; int evil(void); //', "*/ */", "a\nb", "??/", "\\", "猫", "%s", "\0", "a\x07\u2028b", "\ud800"]),
)
def test_no_name_of_a_class_becomes_code(name, tmp_path):
    text = c_source(model_of("cls token, erf"), [name, "b", "c"], STATISTICS)
    path = tmp_path / "model.c"
    path.write_text(text)
    subprocess.run([*STRICT, path], check=True)
    (tmp_path / "main.c").write_text(
        "#include <stdio.h>\nextern const char *const class_names[3];\nint main(void){return puts(class_names[0]) < 0;}"
    )
    subprocess.run(["cc", path, tmp_path / "main.c", "-o", tmp_path / "main", "-lm"], check=True)
    shown = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout
    assert shown == name.partition("\0")[0].encode("utf-8", "replace") + b"\n"


def test_the_same_numbers_are_read_back():
    values = np.array([1.0, -0.0, 1e-30, 3.4e38, 1 / 3, 16777216, 1e-45, -2.5], np.float32)
    again = [np.float32(module._number(value).removesuffix("f")) for value in values.tolist()]
    np.testing.assert_array_equal(np.array(again), values)
    assert all("." in module._number(value) or "e" in module._number(value) for value in values.tolist())


def test_what_does_not_fit_is_refused(monkeypatch):
    with pytest.raises(UserError, match="reads words"):
        c_source(model_of("words"), [], STATISTICS)
    monkeypatch.setattr(module, "MAX_PARAMETERS", 100)
    with pytest.raises(UserError, match="up to 100 parameters"):
        c_source(model_of("tanh"), [], STATISTICS)


def test_without_a_compiler_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no C compiler"):
        far(tmp_path / "model.c", model_of("tanh"), Wanted())
