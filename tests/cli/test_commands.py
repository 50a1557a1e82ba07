"""What users type, and what they read then."""

import json
import re

import pytest
from PIL import Image, ImageDraw

from tinyvit.cli import main
from tinyvit.config.presets import PRESETS


def test_train_prints_what_happens_and_leaves_a_run(trained_run):
    folder, process = trained_run
    out = process.stdout
    assert "epochs=2" in out  # the resolved config
    assert "patch_size=14" in out
    assert len(re.findall(r"epoch +\d/2 +train loss \d\.\d+ +dev loss \d\.\d+ +dev accuracy +\d+\.\d\d %", out)) == 2
    accuracy = float(re.search(r"test accuracy (\d+\.\d+) %", out)[1])
    assert accuracy > 80
    for word in ("precision", "recall", "f1-score", "support", "micro avg", "macro avg", "weighted avg", str(folder)):
        assert word in out
    assert process.stderr == ""  # no progress bar where there is no terminal
    assert {path.name for path in (folder / "figures").iterdir()} == {
        "curves.png", "confusion.png", "mistakes.png", "attention.png", "positions.png",
    }  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    assert (config["epochs"], config["model"]["patch_size"]) == (2, 14)
    assert f"test accuracy {accuracy:.2f} %" in (folder / "report.txt").read_text()


def test_eval_agrees_with_what_train_said(trained_run, tinyvit):
    folder, process = trained_run
    said = re.search(r"test accuracy (\d+\.\d+) %", process.stdout)[1]
    assert f"accuracy {said} %" in tinyvit("eval", folder).stdout
    dev = max(float(json.loads(line)["dev_accuracy"]) for line in (folder / "metrics.jsonl").read_text().splitlines())
    assert (
        f"dev split of mnist, 5,000 images: accuracy {100 * dev:.2f} %"
        in tinyvit("eval", folder, "--split", "dev").stdout
    )


@pytest.mark.slow
def test_resuming_a_finished_run_says_the_same_again(trained_run, tinyvit):
    folder, process = trained_run
    again = tinyvit("train", "--resume", folder)
    assert again.returncode == 0, again.stderr
    assert (
        again.stdout.split("Best on the dev (validation) split")[1]
        == process.stdout.split("Best on the dev (validation) split")[1]
    )


def test_predict_names_digits_in_drawings(trained_run, tinyvit, tmp_path):
    folder, _ = trained_run
    drawing = Image.new("RGB", (200, 300), "white")
    ImageDraw.Draw(drawing).line([(110, 40), (100, 250)], fill="navy", width=22)  # a one, dark on light
    drawing.save(tmp_path / "one.png")
    result = tinyvit("predict", folder, "one.png", "--top-k", 2, "--plot")
    assert result.returncode == 0, result.stderr
    assert re.match(r"one\.png: 1 \(\d+\.\d %\), \d \(\d+\.\d %\)\n", result.stdout)
    assert "inverted" in result.stdout
    assert (folder / "figures" / "predict-one.png").is_file()


def test_predict_answers_for_the_good_images_when_one_is_bad(trained_run, tinyvit, tmp_path):
    folder, _ = trained_run
    drawing = Image.new("L", (60, 60))
    ImageDraw.Draw(drawing).line([(30, 10), (30, 50)], fill=255, width=5)
    drawing.save(tmp_path / "one.png")
    (tmp_path / "text.png").write_text("no image")
    result = tinyvit("predict", folder, "missing.png", "one.png", "text.png")
    assert result.returncode == 2
    assert "one.png: " in result.stdout
    assert "missing.png" in result.stderr
    assert "text.png" in result.stderr
    assert result.stderr.splitlines()[2:] == ["tinyvit: 2 of 3 images got no answer"]
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_plot_draws_again(trained_run, tinyvit):
    folder, _ = trained_run
    (folder / "figures" / "curves.png").unlink()
    result = tinyvit("plot", folder)
    assert result.returncode == 0, result.stderr
    assert (folder / "figures" / "curves.png").is_file()


def test_gradcheck_prints_a_table_and_json(tinyvit):
    table = tinyvit("gradcheck", "--op", "layer_norm")
    assert table.returncode == 0
    assert len(re.findall(r"^op +layer_norm .* pass$", table.stdout, re.MULTILINE)) == 3
    result = json.loads(tinyvit("gradcheck", "--op", "linear", "--json", "--seed", 3).stdout)
    assert result["passed"] is True
    assert result["worst"] < 1e-8
    assert {"kind", "name", "inputs", "passed", "error", "worst_entry", "analytic", "numeric"} <= set(
        result["checks"][0]
    )


def test_gradcheck_fails_loudly_on_a_broken_backward(monkeypatch, capsys):
    from tinyvit import ops

    forward, backward = ops.OPS["softmax"]
    monkeypatch.setitem(ops.OPS, "softmax", ops.Op(forward, lambda dy, saved: 1.001 * backward(dy, saved)))
    assert main(["gradcheck", "--op", "softmax"]) == 1
    out = capsys.readouterr().out
    assert "FAIL" in out
    assert re.search(r"worst at \(.*\): backward says .*, the difference quotient", out)


def test_gradcheck_prints_both_columns(tinyvit):
    table = tinyvit("gradcheck", "--op", "mse", "--exact")
    assert table.returncode == 0
    rows = re.findall(r"^op +mse .* (\S+e-\d+) +(\S+e-\d+)  pass$", table.stdout, re.MULTILINE)
    assert len(rows) == 4
    assert all(float(differences) < 1e-8 and float(exact) < 1e-14 for differences, exact in rows)
    assert re.search(r"4 of 4 checks passed; .* threshold 1e-06; exact .*e-\d+, threshold 1e-13$", table.stdout.strip())
    result = json.loads(tinyvit("gradcheck", "--op", "mse", "--exact", "--json").stdout)
    assert result["exact_worst"] == max(check["exact_error"] for check in result["checks"]) < 1e-14
    assert result["exact_threshold"] == 1e-13


def test_gradcheck_exact_finds_what_differences_let_through(monkeypatch, capsys):
    from tinyvit import ops

    forward, backward = ops.OPS["softmax"]
    monkeypatch.setitem(ops.OPS, "softmax", ops.Op(forward, lambda dy, saved: (1 + 1e-10) * backward(dy, saved)))
    assert main(["gradcheck", "--op", "softmax"]) == 0
    assert main(["gradcheck", "--op", "softmax", "--exact"]) == 1
    assert main(["gradcheck", "--op", "softmax", "--exact", "--json"]) == 1
    out = capsys.readouterr().out
    assert out.count("FAIL") > 3
    assert re.search(r"worst at \(.*\): backward says .*, dual numbers say", out)


@pytest.mark.parametrize("name", PRESETS)
def test_info_counts_what_a_preset_has(tinyvit, name):
    counts = {
        "tiny": 139_018,
        "vit_tiny_patch16_224": 5_717_416,
        "vit_small_patch16_224": 22_050_664,
        "vit_base_patch16_224": 86_567_656,
        "vit_large_patch16_224": 304_326_632,
    }
    assert f"{counts[name]:,}" in tinyvit("info", name).stdout


def test_doctor_and_help_and_version(tinyvit):
    doctor = tinyvit("doctor")
    assert doctor.returncode == 0
    for word in ("python", "numpy", "matrix library", "cupy", "mnist           complete"):
        assert word in doctor.stdout
    assert tinyvit("--version").stdout.startswith("tinyvit ")
    for verb in ("train", "eval", "predict", "plot", "gradcheck", "bench", "info", "doctor"):
        assert verb in tinyvit().stdout
        assert tinyvit(verb, "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--epochs", "0"], "epochs must be a whole number of at least 1 and below 1,000,000, got 0: choose"),
        (["train", "--lr", "fast"], "invalid float value: 'fast'"),
        (
            ["train", "--lr", "nan"],
            "lr must be a number of at least 0 and below 1,000,000, got nan: choose another value",
        ),
        (["train", "--bogus"], "unrecognized arguments: --bogus"),
        (["train", "--recipe", "worst"], "invalid choice: 'worst'"),
        (["train", "--preset", "nope"], "no preset called 'nope'"),
        (["train", "--img-size", "28x"], "invalid size value: '28x'"),
        (["train", "--patch-size", "5"], "choose patch_size from 1, 2, 4, 7, 14, 28"),
        (["train", "--num-heads", "5"], "choose num_heads from 1, 2, 4"),
        (["train", "--stem", "mlp"], "invalid choice: 'mlp'"),
        (["train", "--preset", "vit_tiny_patch16_224"], "mnist images are"),
        (["train", "--device", "gpu"], "auto, cpu, cuda or cuda:<index>, got 'gpu'"),
        (["train", "--data-dir", "nowhere"], "nowhere"),
        (["train", "--resume", "nowhere"], "no run folder"),
        (["train", "--resume", "nowhere", "--lr", "1"], "only --data-dir, --device and --track"),
        (["train", "--resume", "nowhere", "--overwrite"], "only --data-dir, --device and --track"),
        (["train", "--lr", "inf"], "lr must be a number of at least 0 and below 1,000,000, got inf"),
        (["train", "--mlp-ratio", "inf"], "mlp_ratio must be a number"),
        (["train", "--warmup-epochs", "1e308"], "warmup_epochs must be a number"),
        (["train", "--shift", "9" * 400], "shift must be a whole number"),
        (["train", "--workers", "0"], "workers must be auto or a whole number of at least 1"),
        (["train", "--resume", ""], "--resume: an empty text names nothing"),
        (["train", "--output", ""], "--output: an empty text names nothing"),
        (["train", "--preset", ""], "--preset: an empty text names nothing"),
        (["info", "--mlp-ratio", "nan"], "mlp_ratio must be a number"),
        (["info", "--mlp-ratio", "1e300"], "mlp_ratio must be a number"),
        (["info", "--batch-size", "9" * 400], "--batch-size must be at least 1 and below 1,000,000"),
        (["eval", "nowhere"], "no trained model"),
        (["eval"], "required: MODEL"),
        (["predict", "nowhere", "a.png"], "no trained model"),
        (["plot", "nowhere"], "no trained model"),
        (["info", "nope"], "no preset called 'nope'"),
        (["info", "--batch-size", "0"], "--batch-size must be at least 1"),
        (["gradcheck", "--op", "nope"], "choose from patchify"),
        (["gradcheck", "--seed", "-1"], "--seed must be at least 0"),
        (["juggle"], "invalid choice: 'juggle'"),
    ],
)
def test_a_mistake_gets_one_sentence_and_status_2(tinyvit, arguments, sentence):
    result = tinyvit(*arguments)
    assert result.returncode == 2, result.stdout
    assert sentence in result.stderr
    assert result.stderr.startswith("tinyvit")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("flags", "way"),
    [
        (["--multi-label", "--data-dir", "photos"], "--data-dir DIR --multi-label"),
        (["--labels", "photos/labels.csv"], "--labels FILE"),
        (["--resume", "run", "--labels", "labels.csv"], "--labels FILE"),
        (["--labels"], "--labels FILE"),
    ],
)
def test_train_names_the_way_to_several_classes_an_image(flags, way, capsys):
    assert main(["train", *flags]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"fine-tune a pretrained one, tinyvit finetune --model MODEL {way}\n" in said.err
    assert said.err.count("\n") == 1
