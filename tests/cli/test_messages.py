"""Every message names a way that exists for the verb it comes from: no verb recommends another's flag, or a verb that
does not exist.
"""

import ast
import re
from pathlib import Path

import pytest

import tinyvit
from tests.support import python_files
from tests.support.verbs import PARSERS

ROOT = Path(tinyvit.__file__).parent
FLAG = re.compile(r"(?<![\w-])--(?!help\b)[a-z][a-z-]*")
# In "tinyvit convert --ignore-head" that verb's flag is meant.
VERB_BEFORE = re.compile(r"tinyvit (lessons [a-z]+|[a-z]+|\{\})[^:;,]*$")
RUNS = ("train", "finetune")
MEASURING = ("eval", "plot", "look")

# From which verbs the messages of a file that name flags can come. A file that is not here may name none.
REACH = {
    "backend/devices.py": (*RUNS, "eval", "predict", "look", "gradcheck", "bench"),
    "bench/records.py": ("bench",),
    "bench/scaling.py": ("bench",),
    "images/augment_pil.py": ("finetune",),
    "page/handler.py": ("look",),
    "page/server.py": ("look",),
    "page/static.py": ("look",),
    "datasets/find.py": ("train", *MEASURING),  # where --data-dir was given
    "datasets/left_out.py": (*RUNS, "eval", "predict", "data check"),
    "datasets/load.py": ("train", *MEASURING),
    "datasets/multi_label.py": ("finetune", *MEASURING),
    "datasets/own_idx.py": ("train", *MEASURING),
    "pretrained/checkpoint.py": ("finetune", "eval", "predict", "look", "convert"),
    "pretrained/readers.py": (),  # whole commands only
    "pretrained/resolve.py": ("finetune", "eval", "predict", "look", "convert", "info"),
    "pretrained/source.py": (),
    "storage/claim.py": RUNS,
    "config/run.py": RUNS,
    "training/data.py": ("train",),
    "training/divergence.py": RUNS,
    "training/finetuning/add_classes.py": ("finetune",),
    "training/finetuning/pretrained.py": ("finetune",),
    "training/finetuning/replay.py": ("finetune",),
    "training/finetuning/start.py": ("finetune",),
    "datasets/recorded_arrays.py": ("train",),
    "datasets/recorded_images.py": RUNS,
    "tasks/distill.py": ("train",),
    "tasks/generate.py": ("train",),
    "tasks/scenes.py": ("train",),
    "training/few_labels.py": ("finetune",),
    "training/start.py": ("train",),
    "tuning/space.py": ("tune",),
    "tuning/settings.py": ("tune",),
    "tuning/search.py": ("tune",),
    "tuning/report.py": (),  # whole commands only
    "tuning/study.py": ("tune",),
    "evaluation/split.py": MEASURING,
    "training/parallel/team.py": ("train", "bench"),
    "training/parallel/workers.py": ("train", "bench"),
    "storage/run_folder.py": RUNS,
    "evaluation/classifier.py": MEASURING,
    "evaluation/dataset.py": MEASURING,
    "training/loop.py": RUNS,
    "cli/bench_gpu.py": ("bench",),
    "cli/bench_modes.py": ("bench",),
    "cli/bench_runs.py": ("bench",),
    "cli/few_labels.py": ("finetune",),
    "cli/finished.py": ("finetune",),  # a whole command
    "cli/task_runs.py": MEASURING,
    "cli/guesses.py": ("predict", "eval", "plot"),
    "cli/jupyter_lab.py": ("lessons open",),
    "course/collect.py": ("lessons collect",),
    "cli/lesson_copies.py": ("lessons start", "lessons open", "lessons reset"),
    "cli/lessons.py": ("lessons open",),
    "cli/exam.py": ("lessons exam",),
    "cli/evaluate.py": ("eval",),
    "cli/predictions.py": ("predict", "eval"),
    "cli/read_digits.py": ("predict",),
}


def messages(path):
    """The texts in a file but its docstrings and the help of flags; what is filled in is {}."""
    tree = ast.parse(path.read_text())
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        if isinstance(node, ast.JoinedStr):
            skipped |= set(ast.walk(node)) - {node}
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("add_argument", "add_parser", "option")):
            skipped |= set(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def flags_in(text):
    """(flag, verb) for each flag in a text; the verb is None where the text does not say it."""
    for match in FLAG.finditer(text):
        before = VERB_BEFORE.search(text[: match.start()])
        yield match[0], before[1] if before else None


def has(verb, flag):
    return any(flag in action.option_strings for action in PARSERS[verb]._actions)


FILES = {str(path.relative_to(ROOT)): path for path in python_files(ROOT)}
TALKING = [
    name
    for name, path in FILES.items()
    if any(FLAG.search(text) for text in messages(path)) and not name.startswith("course/")
]


def verbs_of(name):
    if name in REACH:
        return REACH[name]
    stem = Path(name).stem.replace("evaluate", "eval")
    return (stem,) if name.startswith("cli/") and stem in PARSERS else None


@pytest.mark.parametrize("name", TALKING)
def test_a_flag_in_a_message_is_one_of_its_verb(name):
    verbs = verbs_of(name)
    texts = [text for text in messages(FILES[name]) if FLAG.search(text) and not text.startswith(("--", "-m"))]
    if verbs is None and (not texts or name in ("cli/flags.py", "cli/verify.py")):
        return
    assert verbs is not None, f"say in REACH from which verbs these can come: {texts}"
    for text in texts:
        for flag, verb in flags_in(text):
            for each in verbs if verb is None else RUNS if verb == "{}" else (verb,):
                assert has(each, flag), f"{each} has no {flag}: {text}"


@pytest.mark.parametrize("name", FILES)
def test_a_verb_that_a_message_names_exists(name):
    for text in messages(FILES[name]):
        for verb in re.findall(r"(?<![\w./-])tinyvit (?!and)([a-z]+) (?:--|\{|[A-Z/])", text):
            assert verb in {parser.split()[0] for parser in PARSERS}, text


def test_the_check_sees_what_is_wrong():
    assert list(flags_in("leave it out with tinyvit convert --ignore-head, or --strict")) == [
        ("--ignore-head", "convert"),
        ("--strict", None),
    ]
    assert not has("predict", "--ignore-head")
    assert has("convert", "--ignore-head")
    assert {"training/start.py", "datasets/load.py"} <= set(TALKING)
