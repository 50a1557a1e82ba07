"""One script of many modules: the same values, in the order of the imports; what it cannot do is refused."""

import shutil
import subprocess

import pytest

from tinyvit.errors import UserError
from tinyvit.page.bundle import bundle

MODULES = {
    "entry.js": 'import { four as quattro, $ } from "./deep/numbers.js";\nimport * as words from "./words.js"; // all of them\n'
    "console.log(quattro, $(2), words.hello, new words.Word().text);\n",
    "deep/numbers.js": 'import {\n  hello,\n} from "../words.js";\nexport const four = hello.length - 1;\nexport const $ = (x) => x * four;\n',
    "words.js": '// Words.\nexport const hello = "hello";\nexport class Word { text = "import me"; }\nexport async function later() {}\n',
}


def written(folder, modules):
    for name, text in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.process
@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_a_bundle_runs_as_its_modules_do(tmp_path):
    script = tmp_path / "script.cjs"
    script.write_text(bundle(written(tmp_path, MODULES), "entry.js"))
    done = subprocess.run(["node", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["4", "8", "hello", "import", "me"]
    assert "// Words." in script.read_text()  # it can still be read


def test_another_module_takes_the_place_of_one(tmp_path):
    written(tmp_path, MODULES | {"other.js": 'export const hello = "good-bye";\nexport class Word {}\n'})
    text = bundle(tmp_path, "entry.js", instead={"words.js": "other.js"})
    assert "good-bye" in text
    assert '"hello"' not in text


ODD = {
    "a default": "export default 4;\n",
    "a list of exports": "const a = 1;\nexport { a };\n",
    "a passing on": 'export * from "./words.js";\n',
    "an import for its effects": 'import "./words.js";\n',
    "an import of a default": 'import words from "./words.js";\n',
    "an import in between": 'const words = await import("./words.js");\n',
    "an address of its own": "const here = import.meta.url;\n",
}


@pytest.mark.parametrize("name", ODD)
def test_lines_of_another_form_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"odd\.js has a line"):
        bundle(written(tmp_path, MODULES | {"odd.js": ODD[name]}), "odd.js")


def test_circles_and_missing_modules_are_refused(tmp_path):
    written(tmp_path, {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'})
    with pytest.raises(UserError, match="import themselves"):
        bundle(tmp_path, "a.js")
    with pytest.raises(UserError, match=r"module c\.js cannot be read"):
        bundle(tmp_path, "c.js")
