"""`tinyvit lessons exam` and `grade`: a class of students, each with questions of their own."""

import csv
import json
import shutil
import unicodedata
from pathlib import Path

import pytest

from tinyvit.cli import main
from tinyvit.cli.grade import submissions
from tinyvit.course.texts import texts

NAMES = ["Ann", "Bob B.", "=1+1", "Jörg", "Eve"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def exam():
    assert main(["lessons", "exam", "exam", "--students", *NAMES, "--seed", "5", "--lessons", "1-5,11"]) == 0
    return json.loads(Path("exam/key.json").read_text())["students"]


def fill(student, answers, folder="exam"):
    """The notebook with these answers in place of its None, and solutions in place of its stubs."""
    path = Path(folder) / student / "exam.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        name = cell["source"].split(" = None")[0]
        if cell["cell_type"] == "code" and name in answers:
            cell["source"] = f"{name} = {answers[name]}"
        for number, facts in texts()["exercises"].items():
            if cell["source"] == facts["stub"] and number in answers:
                cell["source"] = facts["solution"]
    path.write_text(json.dumps(notebook))


def test_students_have_the_same_topics_and_other_numbers(exam):
    books = [json.loads((Path("exam") / name / "exam.ipynb").read_text()) for name in NAMES]
    titles = [[cell["source"].splitlines()[0] for cell in book["cells"][2::2]] for book in books]
    assert titles == len(NAMES) * [titles[0]]
    assert len({json.dumps(book["cells"][3:]) for book in books}) == len(NAMES)
    assert [list(answers) for answers in exam.values()] == len(NAMES) * [list(exam["Ann"])]
    assert sum(answer is None for answer in exam["Ann"].values()) == 2


def test_the_same_seed_gives_the_same_exam(exam):
    main(["lessons", "exam", "again", "--students", "Ann", "--seed", "5", "--lessons", "1-5,11"])
    main(["lessons", "exam", "other", "--students", "Ann", "--seed", "6", "--lessons", "1-5,11"])
    first, again, other = (Path(folder, "Ann", "exam.ipynb").read_text() for folder in ("exam", "again", "other"))
    assert first == again
    assert first != other


def test_students_do_not_get_the_key(exam):
    assert [path.name for path in Path("exam/Ann").iterdir()] == ["exam.ipynb"]
    text = Path("exam/Ann/exam.ipynb").read_text()
    assert "import tinyvit" not in text
    assert "from tinyvit" not in text


@pytest.mark.slow
def test_a_class_is_graded_in_a_table_and_a_csv_file(exam, capsys):
    pytest.importorskip("nbclient")
    shutil.copytree("exam/Ann", "exam/Zoe")
    Path("exam/Jörg").rename(Path("exam") / unicodedata.normalize("NFD", "Jörg"))  # as macOS writes it
    shutil.rmtree("exam/Eve")
    fill("Ann", exam["Ann"])
    wrong = {name: "'no number'" if answer else answer for name, answer in exam["Bob B."].items()}
    fill("Bob B.", {name: answer for name, answer in wrong.items() if name.startswith("answer")})
    assert main(["lessons", "grade", "exam", "--key", "exam/key.json", "--csv", "grades.csv"]) == 0
    out = capsys.readouterr().out
    lines = {line.split("  ")[0]: line for line in out[out.index("student ") :].splitlines()}
    assert "9 of 9" in lines["Ann"]
    assert "0 of 9" in lines["Bob B."]
    assert "Zoe: the key has no such student" in out
    rows = list(csv.reader(Path("grades.csv").read_text(encoding="utf-8-sig").splitlines()))
    students = [unicodedata.normalize("NFC", row[0]) for row in rows[1:]]
    assert students == ["'=1+1", "Ann", "Bob B.", "Jörg", "Zoe", "Eve"]  # no formula for a spreadsheet
    assert "Jörg: the key" not in unicodedata.normalize("NFC", out)
    assert "Eve: no notebook was handed in" in out
    assert set(rows[2][1:10]) == {"passed"}
    assert set(rows[1][1:10]) == {"nothing written yet"}
    assert "wrong value" in rows[3]


@pytest.mark.slow
def test_what_stops_one_notebook_does_not_stop_the_class(capsys):
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    for student, code in (("a", "check.accuracy(lambda logits, labels: 0)"), ("c", "while True: pass")):
        Path("class", student).mkdir(parents=True)
        cells = [nbformat.v4.new_code_cell(text) for text in ("from tinyvit.course import check", code)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), Path("class", student, "12.ipynb"))
    Path("class/b").mkdir()
    Path("class/d").mkdir()
    Path("class/b/12.ipynb").write_text("not JSON")
    assert main(["lessons", "grade", "class", "--seconds", "5"]) == 0
    out = capsys.readouterr().out
    assert "a: 0 of 4 passed" in out  # the checks that are not there count, too
    assert "d: no notebook was handed in" in out
    assert "b: 12.ipynb: not a notebook" in out
    assert "c: 12.ipynb: it was stopped" in out


def test_the_folder_of_a_class_is_read_by_student():
    for place in ("class/a/1.ipynb", "class/a/more/2.ipynb", "class/b.ipynb", "class/a/.ipynb_checkpoints/1.ipynb"):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).touch()
    found = {student: [path.name for path in paths] for student, paths in submissions(["class"]).items()}
    assert found == {"a": ["1.ipynb", "2.ipynb"], "b": ["b.ipynb"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["exam", "new", "--students", "a", "a"], "two students have the same name"),
        (["exam", "new", "--students", "Ann", "ann"], "two students have the same name"),
        (["exam", "new", "--students", "../a"], "'../a' can be no folder's name"),
        (["exam", "new", "--students", ""], "'' can be no folder's name"),
        (["exam", "new", "--students", "a", "--calculate", "99"], "questions to calculate, and not 99"),
        (["exam", "new", "--students", "a", "--lessons", "6"], "these lessons have 0 questions to calculate"),
        (["exam", "full", "--students", "a"], "full is not empty"),
        (["exam", "new", "--names", "missing.txt"], "missing.txt was not found"),
        (["exam", "new", "--names", "empty.txt"], "no student is named"),
        (["grade", "empty"], "empty holds no notebook"),
        (["grade", "full", "--key", "empty.txt"], "empty.txt is not valid JSON"),
        (["grade", "full", "--key", "full/other.json"], "other.json is no key of an exam"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, capsys):
    Path("full").mkdir()
    Path("empty").mkdir()
    Path("empty.txt").touch()
    Path("full/other.json").write_text('{"students": {"a": {"answer_1": "7"}}}')
    shutil.copy("full/other.json", "full/1.ipynb")
    assert main(["lessons", *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert not Path("new").exists()


def test_lessons_are_named_by_numbers(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["lessons", "exam", "new", "--students", "a", "--lessons", "one"])
    assert "it must name lessons as in 1-5,7, got 'one'" in capsys.readouterr().err
