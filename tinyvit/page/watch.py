"""A run that is watched as it happens: curves, and attention epoch by epoch, from the files in its folder alone.

The run knows nothing of it. So runs of other processes can be watched, killed ones too, and a run that is watched gives
the same bits as one that is not.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..storage.files import CONFIG
from ..storage.metrics import METRICS, measure_of, read_metrics
from ..storage.run_folder import read_run_config
from ..storage.steps import Step, read_steps
from .answer import Answer
from .epoch_maps import EpochMaps
from .query import Query

EVERY = 0.5  # seconds between two looks at the folder
BEAT = 15.0  # seconds of silence after which a comment shows that the line still stands
TOLD = 1000  # steps in an event

Event = dict[str, Any]


class Watch:
    """Looks at the folder of a run again and again, and keeps what it saw; `events` tells it to any number of pages.

    Raises:
        UserError: it is no run.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.routes: dict[str, Callable[[Query, bytes], Answer]] = {"GET maps": lambda *asked: self.maps.answer(*asked)}
        self._problems: list[str] = []
        self._news = threading.Condition()
        self._version = self._beginnings = 0
        self._begin_anew()

    def begin(self) -> None:
        """Look at the folder from now on, in a thread of its own."""
        threading.Thread(target=self._look_for_ever, daemon=True).start()

    def look(self) -> bool:
        """Look once; whether there was something new."""
        beginnings, is_new = self._beginnings, False
        problems: list[str] = []
        for part in (self._look_at_metrics, self._look_at_steps, lambda: self.maps.look()):
            try:
                is_new |= part()
            except (UserError, OSError, MemoryError) as error:  # half-way to its place, or what the page cannot show
                problems.append(str(error))
        is_new |= beginnings != self._beginnings or problems != self._problems
        self._problems = problems
        if is_new:
            with self._news:
                self._version += 1
                self._news.notify_all()
        return is_new

    def events(self) -> Iterator[Event | None]:
        """Everything so far, then what is new, as it comes; None after a silence.

        Each has a `kind`: "run" comes first, and again where all begins anew; then "steps", those that are new;
        "epochs", all that are finished; "maps", the epochs that have some; "note", what cannot be shown.
        """
        beginnings, told = -1, 0
        last: dict[str, Event] = {}
        while True:
            version = self._version
            if beginnings != self._beginnings:
                beginnings, told, last = self._beginnings, 0, {}
                yield self._run()
            while new := self._steps[told : told + TOLD]:
                told += len(new)
                yield {"kind": "steps", "steps": [step._asdict() for step in new]}
            for event in self._state():
                if event != last.get(event["kind"]):
                    last[event["kind"]] = event
                    yield event
            with self._news:
                is_new = version != self._version or self._news.wait(BEAT)
            if not is_new:
                yield None

    def _run(self) -> Event:
        return {
            "kind": "run",
            "name": self.folder.resolve().name,
            "task": self.config.task,
            "epochs": self.config.epochs,
        }

    def _state(self) -> list[Event]:
        measure = measure_of(self._epochs[0]) if self._epochs else None
        return [
            {"kind": "epochs", "epochs": self._epochs, "measure": measure},
            {"kind": "maps", "epochs": self.maps.epochs},
            {"kind": "note", "text": "; ".join(self._problems)},
        ]

    def _begin_anew(self) -> None:
        """Forget all: the run is another, or was gone on with from an earlier step."""
        self.config = read_run_config(self.folder)
        self.maps = EpochMaps(self.folder, self.config)
        self._steps: list[Step] = []
        self._epochs: list[dict[str, Any]] = []
        self._problems = []
        self._read_to, self._metrics_stamp = 0, 0
        self._config_stamp = (self.folder / CONFIG).stat().st_mtime_ns
        self._beginnings += 1

    def _look_at_metrics(self) -> bool:
        if (self.folder / CONFIG).stat().st_mtime_ns != self._config_stamp:
            self._begin_anew()
        stamp = _stamp(self.folder / METRICS)
        if stamp == self._metrics_stamp:
            return False
        self._epochs = read_metrics(self.folder)
        self._metrics_stamp = stamp
        return True

    def _look_at_steps(self) -> bool:
        new, read_to = read_steps(self.folder, self._read_to)
        if read_to < self._read_to:  # lines were taken away: the run goes on from an earlier step, all was read again
            self._steps, self._beginnings = [], self._beginnings + 1
        self._read_to = read_to
        self._steps = self._steps + new
        return bool(new)

    def _look_for_ever(self) -> None:
        while True:
            self.look()
            time.sleep(EVERY)


def _stamp(path: Path) -> int:
    """Time of a file's last change; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
