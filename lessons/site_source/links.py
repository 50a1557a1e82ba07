"""Checks of a built site: every link leads somewhere, every anchor exists, and nothing is asked of another host."""

import functools
import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADS = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("video", "src"), ("link", "href")}
TAG = re.compile(r"<([a-z][a-z0-9-]*)\s([^<>]*)>")  # Sphinx and we escape < and > in attributes
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
IN_STYLE = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^'\")]+)|@import\s+['\"]([^'\"]+)")


class Page:
    """What a page links to, what it loads, and its anchors."""

    def __init__(self, text: str):
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors = {"", "top"}
        for tag, attributes in TAG.findall(text):
            given = {name: html.unescape(value) for name, value in ATTRIBUTE.findall(attributes)}
            self.anchors |= {given[name] for name in ("id", "name") if name in given}
            self.loads |= {given[name] for of, name in LOADS if of == tag and given.get(name)}
            if tag == "a" and "href" in given:
                self.links.add(given["href"])


@functools.cache
def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def broken_links(site: Path) -> Iterator[str]:
    """Links and files of a page that are not there, a sentence each. JupyterLite's own pages are left out."""
    for path in sorted(path for path in site.rglob("*.html") if path.relative_to(site).parts[0] != "lite"):
        page = read(path)
        for link in sorted(page.links | page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            name, anchor = urldefrag(link)
            target = (path.parent / unquote(urlsplit(name).path)).resolve() if name else path
            target = target / "index.html" if target.is_dir() else target
            if site.resolve() not in target.parents or not target.is_file():
                yield f"{path.relative_to(site)}: {link} is not there"
            elif target.suffix == ".html" and unquote(anchor) not in read(target).anchors:
                yield f"{path.relative_to(site)}: {link} has no such anchor"


def foreign_requests(site: Path) -> Iterator[str]:
    """What pages and styles would load from another host."""
    for path in sorted(site.rglob("*.html")):
        for address in read(path).loads:
            if urlsplit(address).netloc:
                yield f"{path.relative_to(site)} loads {address}"
    for path in sorted(site.rglob("*.css")):
        for found in IN_STYLE.finditer(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads {found[1] or found[2]}"


def links_elsewhere(site: Path) -> list[str]:
    """Addresses on other hosts that pages link to."""
    links = {link for path in site.rglob("*.html") for link in read(path).links}
    return sorted(link for link in links if urlsplit(link).scheme in ("http", "https"))
