"""The afternoon's list is there, short enough, and counts its lines rightly; `python -m tests.test_reading_order` mends it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "lessons" / "reading_order.md"
ROW = re.compile(r"^(\| \d+ \| \[`[^`]+`\]\()([^)]+)(\) \| )(\d+)( \|)", re.MULTILINE)
TOTAL = re.compile(r"^(\d+) files, ([\d,]+) lines\.", re.MULTILINE)


def counted(text: str) -> str:
    """The page with the lines that the files have."""

    def lines(path: str) -> int:
        return len((PAGE.parent / path).read_text(encoding="utf-8").splitlines())

    text = ROW.sub(lambda row: f"{row[1]}{row[2]}{row[3]}{lines(row[2])}{row[5]}", text)
    rows = ROW.findall(text)
    return TOTAL.sub(f"{len(rows)} files, {sum(int(row[3]) for row in rows):,} lines.", text)


def test_the_list_is_counted_and_short_enough():
    text = PAGE.read_text(encoding="utf-8")
    assert text == counted(text), "run python -m tests.test_reading_order"
    files, lines = TOTAL.search(text).groups()
    assert 20 <= int(files) <= 28
    assert int(lines.replace(",", "")) <= 2000
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == list(range(1, int(files) + 1))


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target


def test_the_list_is_found_from_the_doors():
    assert "lessons/reading_order.md" in "".join((ROOT / "README.md").read_text().splitlines()[:15])
    assert "lessons/reading_order.md" in (ROOT / "tinyvit" / "__init__.py").read_text()


if __name__ == "__main__":
    PAGE.write_text(counted(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
