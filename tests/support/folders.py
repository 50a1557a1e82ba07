"""Trees of empty files, for what opens none."""


def touch(root, *names):
    """Empty files, and folders where a name ends with a slash; returns `root`."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
    return root


def tree(root, places, classes, count=2):
    """`count` images in each class of each place."""
    return touch(root, *(f"{place}/{name}/{k}.jpg" for place in places for name in classes for k in range(count)))
