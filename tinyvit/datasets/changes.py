"""Changes since a manifest was written: images missing, changed, renamed, and new."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from .class_names import same
from .in_threads import in_threads
from .left_out import LeftOut, some
from .manifest import SPLITS, Content, Manifest, content_of, relative


class Changes(NamedTuple):
    """A folder of images against a manifest; paths go from the folder on."""

    files: dict[str, Path]  # recorded path -> where it is now, or was
    missing: list[str]
    changed: list[str]
    renamed: list[tuple[str, str]]  # from, to
    new: list[str]

    @property
    def any(self) -> bool:
        """Whether a recorded image is not as it was; new ones change none."""
        return bool(self.missing or self.changed or self.renamed)

    def __str__(self) -> str:
        """ "2 missing: a/1.png, a/2.png; 1 changed: b/7.png; 20 renamed: cats is now dogs; 1 new: b/9.png" """
        pairs = Counter(_where_they_differ(old, new) for old, new in self.renamed)
        renamed = [f"{old} is now {new}" for old, new in pairs]
        kinds = {"missing": self.missing, "changed": self.changed, "renamed": renamed, "new": self.new}
        counts = {kind: len(names) for kind, names in kinds.items()} | {"renamed": len(self.renamed)}
        return "; ".join(f"{counts[kind]:,} {kind}: {some(names)}" for kind, names in kinds.items() if names)


def changes(manifest: Manifest, folder: str | os.PathLike[str], splits: Iterable[str] = SPLITS) -> Changes:
    """Look at every file of these splits, and for others in `folder`; a large file is read in part.

    Names that differ in how their accents are encoded (NFC, NFD) are the same: copying between systems changes that.

    Raises:
        UserError: a folder may not be read.
    """
    root = Path(folder).expanduser()
    there = {relative(path, root): path for path in LeftOut(root).images_in(root)}
    by_key = {same(name): path for name, path in there.items()}
    was = {record.path: record.content for split in splits for record in manifest.splits[split]}
    files = {name: path if os.path.exists(path := root / name) else by_key.get(same(name), path) for name in was}
    now = dict(zip(files, in_threads(content_of, files.values()), strict=True))
    odd = {name: content for name, content in sorted(was.items()) if now[name] != content}

    recorded = (record.path for records in manifest.splits.values() for record in records)
    known = {same(name) for name in (*recorded, *manifest.left_out)}
    new = {name: path for name, path in there.items() if same(name) not in known}
    renamed = _renamed(odd, new | {name: files[name] for name in odd if now[name]})
    old_names, new_names = {old for old, _ in renamed}, {name for _, name in renamed}
    return Changes(
        files,
        [name for name in odd if not now[name] and name not in old_names],
        [name for name in odd if now[name] and name not in old_names],
        renamed,
        [name for name in new if name not in new_names],
    )


def _renamed(gone: Mapping[str, Content], there: Mapping[str, Path]) -> list[tuple[str, str]]:
    """(from, to) of what is there under another path; of several, the one with the same name in another folder."""
    sizes = {content.size for content in gone.values()}
    candidates = {name: path for name, path in there.items() if path.is_file() and path.stat().st_size in sizes}
    names = defaultdict(list)
    for name, content in zip(candidates, in_threads(content_of, candidates.values()), strict=True):
        names[content].append(name)
    pairs = []
    for old, content in gone.items():
        if alike := names[content]:
            new = next((name for name in alike if name.split("/")[-1] == old.split("/")[-1]), alike[0])
            alike.remove(new)
            pairs.append((old, new))
    return pairs


def _where_they_differ(old: str, new: str) -> tuple[str, str]:
    """Two paths without the names that both end with: the folders alone, where the files' names agree."""
    left, right = old.split("/"), new.split("/")
    while len(left) > 1 and len(right) > 1 and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return "/".join(left), "/".join(right)
