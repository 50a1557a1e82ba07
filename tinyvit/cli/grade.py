"""`tinyvit lessons grade`: notebooks are run, and their checks say which exercises pass."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from .jupyter_lab import INSTALL
from .output import say


def grade(notebooks: Sequence[str]) -> None:
    """Run notebooks: every check that runs counts, the last one of an exercise decides.

    Raises:
        UserError: a package is missing, or one is no notebook.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise UserError(f"grading runs notebooks, which needs the extra 'lessons': {INSTALL}") from error
    from ..course import EXERCISES

    for given in notebooks:
        path = Path(given)
        try:
            notebook = nbformat.read(path, 4)
        except Exception as error:
            raise UserError(f"{given} is not a notebook ({error}): name .ipynb files") from error
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        asked = [number for number, e in EXERCISES.items() if re.search(rf"check\.{e.name}\(", text)]
        with tempfile.TemporaryDirectory() as home:
            grades = Path(home) / "grades"
            environment = os.environ | {"TINYVIT_GRADES": str(grades), "TINYVIT_HOME": home}
            client = NotebookClient(
                notebook,
                timeout=600,
                kernel_name="python3",  # of this environment, whatever the learner's was called
                allow_errors=True,
                resources={"metadata": {"path": str(path.parent)}},
            )
            try:
                client.execute(env=environment, stderr=subprocess.DEVNULL)  # the kernel's own remarks
                problem = ""
            except (CellTimeoutError, DeadKernelError) as error:
                problem = f" (it was stopped: {type(error).__name__})"
            lines = grades.read_text(encoding="utf-8").splitlines() if grades.exists() else []
            found = dict(line.split(" ", 1) for line in lines)
        passes = [number for number in asked if found.get(number) == "passed"]
        say(f"{given}: {len(passes)} of {len(asked)} passed{problem}")
        for number in asked:
            say(f"  {number} {EXERCISES[number].name}: {found.get(number, 'its check did not run')}")
