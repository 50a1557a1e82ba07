"""The words of the page: each in both languages, each used, and none that the page wants is missing."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tinyvit
from tinyvit.page.files import SOURCES, page_files

WEB = Path(tinyvit.__file__).parent / "page" / "web"
NODE = shutil.which("node")
pytestmark = [pytest.mark.process, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]
COMPOSED = ("Title", "Words", "Choose", "Lead")  # a section puts these behind a name of its own
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def from_module(names, expression):
    """The value of an expression of names that texts.js exports."""
    program = f"import {{ {names} }} from {json.dumps((WEB / 'texts.js').as_uri())}; console.log(JSON.stringify({expression}))"
    ran = subprocess.run([NODE, "--input-type=module", "-e", program], capture_output=True, check=True, timeout=60)
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def texts():
    return from_module("TEXTS", "TEXTS")


@pytest.fixture(scope="module")
def sources():
    """What may name a text: the page and its scripts, without the tables themselves."""
    paths = [*WEB.glob("*.html"), *WEB.glob("*.js"), *(WEB / "sections").glob("*.js")]
    return "\n".join(path.read_text("utf-8") for path in paths)


def test_every_text_is_in_both_languages(texts):
    assert len(texts) > 100
    for key, both in texts.items():
        assert len(both) == 2, key
        assert all(text.strip() == text != "" for text in both), key


def test_languages_differ_where_there_are_words(texts):
    for key, (english, chinese) in texts.items():
        if key in ("otherLanguage", "languageTitle"):  # the name of the other language, in the other language
            english, chinese = chinese, english
        assert not CHINESE.search(english), key
        words = re.findall(r"[a-z]{4,}", re.sub(r"\{\w+\}", "", english))
        assert CHINESE.search(chinese) or not set(words) - {"score", "dscore"}, key


def test_both_languages_are_filled_alike(texts):
    for key, (english, chinese) in texts.items():
        holes = [set(re.findall(r"\{(\w+)\}", text)) for text in (english, chinese)]
        assert holes[0] == holes[1], key
        assert all(text.count(mark) % 2 == 0 for text in (english, chinese) for mark in "*`"), key


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("number", ["01", "02"])  # told apart from a 1 that is written in a text
def test_every_text_fits_its_numbers(language, number):
    """Nothing of the table's own signs is left, and one thing is named as one, where there may be but one."""
    fits = f"(_, name) => /^(who|other|name|from|first|second|answer)$/.test(name) ? 'it' : '{number}'"
    filled = f"Object.keys(TEXTS).map((key) => t(key, new Proxy({{}}, {{ get: {fits} }})))"
    for text in from_module("TEXTS, chooseLanguage, t", f"(chooseLanguage('{language}'), {filled})"):
        assert not re.search(r"[{}|]|undefined", text), text
        assert not re.search(r"(?<!\u00a0)\b01\s(?!is\b|ms\b|parameters|pixels|images)[a-z-]+s\b", text), text


def test_every_text_is_used(texts, sources):
    named = set(re.findall(r"[\"'`=](\w+)", sources))
    composed = {name + end for name in named | set(re.findall(r"\b(\w+):", sources)) for end in COMPOSED}
    assert not [key for key in texts if key not in named | composed]


def test_every_source_that_is_linked_to_is_served():
    sections = (WEB / "sections").glob("*.js")
    steps = {
        name
        for path in sections
        for name in re.findall(r"^  step\(.*?\"(\w+)\",? (?:chart|map|\()", path.read_text("utf-8"), re.M)
    }
    assert {f"source/ops/{name}.py" for name in steps} == SOURCES.keys()
    assert {f"/{name}" for name in SOURCES} <= page_files().keys()


def test_no_text_is_missing(texts, sources):
    asked = set(re.findall(r"\bt\(\"(\w+)\"", sources)) | set(
        re.findall(r"\bdata-(?:text|label|title)=\"(\w+)\"", sources)
    )
    asked |= set(re.findall(r"\"data-(?:text|label|title)\": \"(\w+)\"", sources))
    assert len(asked) > 80
    assert sorted(asked - set(texts)) == []
