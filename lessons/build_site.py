"""Build the site, for any web server or to be opened from disk: `python lessons/build_site.py`, into lessons/site/.

Solved lessons, reading order, glossary, every page of the repository, the reference from docstrings, the code itself, a
search, and the page of `tinyvit look --static`. It needs `python -m pip install -e '.[docs]'`, and no network: nothing
is executed again, the fonts of formulas lie in the folder, and no page asks another host for anything.
"""

import argparse
import importlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

from site_source.gather import gather
from site_source.links import broken_links, foreign_requests, links_elsewhere
from site_source.lite import add_lite, wrong_files

LESSONS = Path(__file__).resolve().parent
MARK = "tinyvit-site.txt"  # says that a folder is such a site, and may be written anew


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=LESSONS / "site", help="a new folder, or an older site")
    parser.add_argument(
        "--lite", type=Path, metavar="PYODIDE", help="a folder of Pyodide: lessons run in the browser, too"
    )
    options = parser.parse_args(argv)
    output = options.output.resolve()
    if output.exists() and not (output / MARK).is_file() and not (output.is_dir() and not any(output.iterdir())):
        print(f"{output} is there and holds no site of tinyvit's; it stays as it is: choose another folder")
        return 2
    try:
        from site_source.code import write_code_pages

        lite = ["jupyterlite_core", "jupyterlite_pyodide_kernel", "jupyter_server"] if options.lite else []
        for name in ["furo", "mathjax", "myst_nb", "sphinx", *lite]:
            importlib.import_module(name)
    except ImportError as error:
        extras = "docs,lite" if options.lite else "docs"
        print(f"the site needs more packages ({error}): python -m pip install -e '.[{extras}]'")
        return 2
    if options.lite and (problems := list(wrong_files(options.lite))):
        print("\n".join(problems))
        return 2
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "source"), Path(folder, "built")
        gather(LESSONS.parent, source, lite=bool(options.lite))
        if run_sphinx(source, built):
            print(f"the site was not written: mend what is said above; {output} is as it was")
            return 1
        write_code_pages(LESSONS.parent / "tinyvit", built)
        add_mathjax(built / "_static" / "mathjax")
        add_live_page(built / "look")
        if options.lite:
            add_lite(LESSONS.parent, options.lite.resolve(), built, Path(folder, "lite"))
        if problems := [*broken_links(built), *foreign_requests(built)]:
            print("\n".join(problems))
            return 1
        (built / MARK).write_text("Written by python lessons/build_site.py, which may write this folder anew.\n")
        (built / ".nojekyll").touch()  # GitHub Pages would leave out folders such as _static
        if output.exists():
            shutil.rmtree(output)
        shutil.move(built, output)
    pages = sum(1 for _ in output.rglob("*.html"))
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    for address in links_elsewhere(output):
        print(f"not checked: {address}")
    print(f"{pages} pages, {size / 1e6:.0f} MB, in {time.perf_counter() - start:.0f} s: {output / 'index.html'}")
    return 0


def run_sphinx(source: Path, built: Path) -> int:
    """The exit status of Sphinx, to which a warning is an error."""
    from sphinx.cmd.build import build_main

    settings = ["-c", str(LESSONS / "site_source"), "-d", str(built.with_name("cache"))]
    return build_main(["--fail-on-warning", "--keep-going", "--quiet", *settings, str(source), str(built)])


def add_mathjax(folder: Path) -> None:
    """The script that sets formulas, and its fonts, from the package django-static-mathjax (it needs no Django)."""
    import mathjax

    files = Path(mathjax.__file__).parent / "static" / "mathjax" / "es5"
    fonts = "output/chtml/fonts/woff-v2"
    shutil.copytree(files / fonts, folder / fonts)
    shutil.copy(files / "tex-chtml.js", folder)


def add_live_page(folder: Path) -> None:
    """The page of `tinyvit look --static`, with the shipped model."""
    from tinyvit.page import open_studio
    from tinyvit.page.static import write_static

    write_static(open_studio(str(LESSONS.parent / "data" / "mnist-vit")), folder)


if __name__ == "__main__":
    sys.exit(main())
