"""A run that is stopped and goes on, followed by a tracker, and what that tracker then knows of it.

    python -m tests.support.tracking wandb FOLDER

writes it to known.json beside the folder. A process of its own, since trackers start threads and servers and read the environment when they are
imported. Each is asked by its own reader; of wandb's files, whose reader is not Python's, the records are parsed.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.small_run import SMALL_MODEL, small_dataset
from tinyvit.training import Progress, TrainConfig, TrainingInterrupted, resume, start, train
from tinyvit.training.tracking import tracked, trackers_of


class Known(NamedTuple):
    """What a tracker knows: how many runs, and each metric by its step."""

    runs: int
    values: dict[str, dict[int, float]]


class StopsAfterOneEpoch(Progress):
    def epoch(self, metrics, best):
        raise TrainingInterrupted("enough")


def stopped_and_resumed(name: str, folder: Path) -> None:
    dataset = small_dataset()
    start.load_dataset = lambda *args, **kwargs: dataset
    config = TrainConfig(SMALL_MODEL, output=str(folder), epochs=2, batch_size=16, device="cpu", workers=1)
    try:
        train(config, progress=tracked(StopsAfterOneEpoch(), [name]))
    except TrainingInterrupted:
        resume(folder, progress=tracked(None, trackers_of(folder)))


def in_tensorboard(folder: Path, id: str) -> Known:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / id), size_guidance={"scalars": 0})
    events.Reload()
    names = events.Tags()["scalars"]
    return Known(1, {name: {event.step: event.value for event in events.Scalars(name)} for name in names})


def in_wandb(folder: Path, id: str) -> Known:
    from wandb.proto.wandb_internal_pb2 import Record

    runs, known = set(), {}
    for path in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        for content in records(path.read_bytes()):
            record = Record.FromString(content)
            runs |= {record.run.run_id} - {""}
            row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
            for name, value in row.items():
                if not name.startswith("_"):
                    known.setdefault(name, {})[row["_step"]] = value
    return Known(len(runs), known)


def records(content: bytes):
    """The records of a log in LevelDB's format, after a header of 7 bytes: blocks of 32 KiB, in each pieces that begin with
    a checksum (4 bytes), a length (2) and a type (whole, first, middle, last: 1 to 4).
    """
    at, record = 7, b""
    while at + 7 <= len(content):
        if 2**15 - at % 2**15 < 7:  # no piece begins so near a block's end
            at += 2**15 - at % 2**15
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        record += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield record
            record = b""


def in_trackio(folder: Path, id: str) -> Known:
    from trackio import Api
    from trackio.sqlite_storage import SQLiteStorage

    known = {}
    for row in SQLiteStorage.get_logs("tinyvit", id):
        for name, value in row.items():
            if name not in ("step", "timestamp"):
                known.setdefault(name, {})[row["step"]] = value
    return Known(len(Api().runs("tinyvit")), known)


def in_mlflow(folder: Path, id: str) -> Known:
    from mlflow import MlflowClient

    client = MlflowClient()
    run = client.get_run(id)
    if run.info.status != "FINISHED" or run.data.params["model.depth"] != "2":
        raise RuntimeError(f"MLflow knows another run: {run}")
    runs = client.search_runs([run.info.experiment_id])
    return Known(
        len(runs), {name: {m.step: m.value for m in client.get_metric_history(id, name)} for name in run.data.metrics}
    )


if __name__ == "__main__":
    name, folder = sys.argv[1], Path(sys.argv[2])
    stopped_and_resumed(name, folder)
    known = globals()[f"in_{name}"](folder, json.loads((folder / "tracking.json").read_text())[name])
    (folder.parent / "known.json").write_text(json.dumps(known))
