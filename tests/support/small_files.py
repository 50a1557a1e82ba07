"""Small data sets in the published formats, as bytes."""

import io
import struct
import tarfile

import numpy as np


def idx_bytes(values, kind=0x08):
    shape = struct.pack(f">{1 + values.ndim}I", kind << 8 | values.ndim, *values.shape)
    return shape + np.ascontiguousarray(values).tobytes()


def some_images(n, *shape, classes=3, seed=0):
    """Random pixels (n, *shape) and labels (n,) in which every class occurs, both uint8."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)]).astype(np.uint8)
    return rng.integers(0, 256, (n, *shape), dtype=np.uint8), labels


def write_idx(folder, names="{split}-{kind}", *shape, train=40, test=20, classes=3, wrap=bytes, first=0):
    """The four files of a data set; returns {split: (images, labels)} as they are in them."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for seed, (split, n) in enumerate((("train", train), ("test", test))):
        images, labels = some_images(n, *(shape or (6, 5)), classes=classes, seed=seed)
        arrays[split] = images, labels + np.uint8(first)
        for kind, values in (("images", images), ("labels", labels + np.uint8(first))):
            (folder / names.format(split=split, kind=kind)).write_bytes(wrap(idx_bytes(values)))
    return arrays


def cifar_records(n, *, classes, coarse=None, seed=0):
    """(content of a file, images (n, 3, 32, 32), labels); with `coarse`, that many coarse labels before the fine ones."""
    images, labels = some_images(n, 3, 32, 32, classes=classes, seed=seed)
    columns = [labels[:, None], images.reshape(n, -1)]
    if coarse:
        columns.insert(0, (labels % coarse)[:, None])
    return np.concatenate(columns, axis=1).tobytes(), images, labels


def tar_bytes(files, mode="w:gz", folder="cifar-10-batches-bin"):
    """An archive of files {name: content} in a folder."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()
