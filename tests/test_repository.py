"""What GitHub, PyPI and citers read is checked by `.ci/github`: it is content with the repository, and with no damage."""

import importlib.machinery
import importlib.util
import shutil
from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="the extra lint brings PyYAML")
ROOT = Path(__file__).parents[1]
if not (ROOT / ".ci" / "github").exists():
    pytest.skip("not in a clone of the repository", allow_module_level=True)
LOADER = importlib.machinery.SourceFileLoader("ci_github", str(ROOT / ".ci" / "github"))
CHECK = importlib.util.module_from_spec(importlib.util.spec_from_loader("ci_github", LOADER))
LOADER.exec_module(CHECK)
TEST, NIGHTLY, PUBLISH, SITE = (f".github/workflows/{name}.yml" for name in ("test", "nightly", "publish", "site"))
BUG = ".github/ISSUE_TEMPLATE/bug.yml"


@pytest.fixture
def copy(tmp_path):
    for name in (".github", ".ci"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("tinyvit", "lessons"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "lessons" / "build_site.py", tmp_path / "lessons")
    shutil.copy(ROOT / "tinyvit" / "__init__.py", tmp_path / "tinyvit")
    return tmp_path


def test_nothing_is_wrong():
    assert list(CHECK.problems()) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "words"),
    [
        (TEST, "run: pytest\n", "run: pyttest\n", "pyttest is no command"),
        (TEST, "run: tinyvit doctor", "run: tinyvit docter", "is no command of tinyvit"),
        (TEST, "'.[test]'", "'.[tests]'", "no extra tests"),
        (TEST, "run: mypy", "run: pytest tests/none", "tests/none is not there"),
        (TEST, "run: mypy", "run: python -m mypi", "python -m mypi is not known"),
        (TEST, "run: .ci/github\n", "run: .ci/none\n", ".ci/none is no command"),
        (TEST, "${{ matrix.os }}\n", "${{ matrix.so }}\n", "asks for matrix.so"),
        (TEST, "macos-latest, ", "macos-newest, ", "runs on macos-newest"),
        (TEST, '"3.13", ', "", "is promised in pyproject.toml"),
        (TEST, "  contents: read", "  contents: write", "asks for {'contents': 'write'}"),
        (TEST, '"numpy==$NUMPY"', '"numpy==${{ matrix.numpy }}"', "pass it by env"),
        (TEST, "    timeout-minutes: 30\n", "", "has no timeout-minutes"),
        (TEST, "name: test\n", "name: test\nname: again\n", "a key stands twice"),
        (TEST, "runs-on: ${{ matrix.os }}", "  runs-on: x", "is no YAML"),
        (NIGHTLY, "-m slow", "-m slowly", "no such marker"),
        (NIGHTLY, "@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "@v5", "has no hash and version"),
        (PUBLISH, "    environment: pypi\n", "", "may write"),
        (SITE, "environment: github-pages", "environment: pypi", "may write"),
        (SITE, "pages: write", "contents: write", "may write"),
        (SITE, "build_site.py", "build_page.py", "lessons/build_page.py is not there"),
        (BUG, "tinyvit doctor", "your machine", "does not ask for tinyvit doctor"),
        (BUG, "id: doctor", "id: what", "ids must be words, one each"),
        (BUG, "type: textarea", "type: text", "is no field of a form"),
        (".github/dependabot.yml", "ecosystem: pip", "ecosystem: pypi", "dependabot.yml"),
        (".pre-commit-config.yaml", "repo: local", "repo: https://github.com/x/y", "hooks are local here"),
        (".pre-commit-config.yaml", "entry: python .ci/github", "entry: python .ci/none", "which is not known"),
        ("CITATION.cff", "version: 0.2", "version: 0.1", "of CITATION.cff 0.1"),
        ("CITATION.cff", "license: MIT\n", "", "lacks a field"),
        ("CHANGELOG.md", "## 0.2", "## 0.3", "of the changelog 0.3"),
        ("pyproject.toml", 'dynamic = ["version"]', 'version = "1"', "must take its version"),
    ],
)  # fmt: skip
def test_damage_is_found(copy, file, right, wrong, words):
    text = (copy / file).read_text()
    assert right in text
    (copy / file).write_text(text.replace(right, wrong, 1 if file != PUBLISH else -1))
    found = list(CHECK.problems(copy))
    assert [sentence for sentence in found if words in sentence], found


def test_a_file_that_is_gone_is_a_sentence(copy):
    (copy / "CITATION.cff").unlink()
    assert any("CITATION.cff" in sentence for sentence in CHECK.problems(copy))


def test_a_release_needs_its_tag_its_date_and_its_address(copy, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/tinyvit")
    version = CHECK.read(copy / "CITATION.cff")["version"]
    text = (copy / "CHANGELOG.md").read_text()
    (copy / "CHANGELOG.md").write_text(text.replace(f"## {version} (", f"## {version} (soon, ", 1))
    assert len(list(CHECK.of_release("v9.9.9", copy))) == 3
    (copy / "CHANGELOG.md").write_text(f"## {version} (2026-12-01)\n")
    text = (copy / "pyproject.toml").read_text()
    address = '[project.urls]\nRepository = "https://github.com/owner/tinyvit"\n'
    (copy / "pyproject.toml").write_text(text.replace("[project.urls]\n", address))
    assert list(CHECK.of_release(f"v{version}", copy)) == []
