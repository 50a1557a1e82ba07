"""A run that is watched: from its folder alone, as it goes on, begins anew, or is damaged."""

import http.client
import itertools
import json
import shutil

import numpy as np
import pytest

from tests.support import small_run
from tinyvit import UserError, evaluation
from tinyvit.page import Watch, open_studio
from tinyvit.page.query import Query
from tinyvit.storage.steps import STEPS, Step, append_step
from tinyvit.training import Progress, TrainConfig, start, train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of two epochs, and what a watch saw after each; all know a small data set alone."""
    folder, seen = tmp_path_factory.mktemp("runs") / "run", []
    dataset = small_run.small_dataset()

    class Watched(Progress):
        def start(self, *_, **__):
            self.watch = Watch(folder)
            self.watch.look()

        def epoch(self, *_):
            self.watch.look()
            seen.append((self.watch.maps.epochs, [step.step for step in self.watch._steps], len(self.watch._epochs)))

    config = TrainConfig(
        model=small_run.SMALL_MODEL, output=str(folder), epochs=2, batch_size=8, device="cpu", workers=1
    )
    with pytest.MonkeyPatch.context() as patch:
        for module in (start, evaluation.dataset):
            patch.setattr(module, "load_dataset", lambda *_, **__: dataset)
        train(config, progress=Watched())
        yield folder, seen


@pytest.fixture
def folder(run, tmp_path):
    return shutil.copytree(run[0], tmp_path / "run")


def events_of(watch, number):
    """The first so many events, None where all is silent."""
    return list(itertools.islice(watch.events(), number))


def told_so_far(folder):
    """A watch, and its events after the first five, of which each kind is one."""
    watch = Watch(folder)
    watch.look()
    events = watch.events()
    for _ in range(5):
        next(events)
    return watch, events


def by_kind(events):
    return {event["kind"]: event for event in events}


def test_it_is_watched_as_it_happens(run):
    assert run[1] == [([0, 1], [20, 25], 1), ([0, 1, 2], [20, 25, 45, 50], 2)]


def test_events_of_a_finished_run(folder):
    watch = Watch(folder)
    assert watch.look()
    assert not watch.look()
    events = events_of(watch, 5)
    assert [event["kind"] for event in events] == ["run", "steps", "epochs", "maps", "note"]
    told = by_kind(json.loads(json.dumps(events)))
    assert told["run"] == {"kind": "run", "name": "run", "task": "classify", "epochs": 2}
    assert [step["step"] for step in told["steps"]["steps"]] == [20, 25, 45, 50]
    assert told["epochs"]["measure"] == "dev_accuracy"
    assert [epoch["epoch"] for epoch in told["epochs"]["epochs"]] == [1, 2]
    assert told["maps"]["epochs"] == [0, 2]  # opened late, it sees the newest alone
    assert told["note"]["text"] == ""


def test_maps_of_an_epoch(folder):
    watch = Watch(folder)
    watch.look()
    first, last = (watch.maps.answer(Query(f"epoch={epoch}"), b"").arrays for epoch in (0, 2))
    for maps in (first, last):
        assert maps["digits"].shape == (6, 1, 28, 28)
        assert maps["attention"].shape == (6, 2, 2, 2)
        assert maps["filters"].shape == (16, 1, 14, 14)
        np.testing.assert_allclose(maps["probs"].sum(axis=1), 1, rtol=1e-5)
    assert not np.allclose(first["filters"], last["filters"])
    with pytest.raises(UserError, match="no maps of epoch 1"):
        watch.maps.answer(Query("epoch=1"), b"")


def test_only_news_is_told(folder):
    watch, events = told_so_far(folder)
    append_step(folder, Step(70, 2.8, 0.25))
    assert watch.look()
    assert next(events) == {"kind": "steps", "steps": [{"step": 70, "epoch": 2.8, "loss": 0.25}]}


def test_a_run_that_goes_on_from_an_earlier_step_is_told_again(folder):
    watch, events = told_so_far(folder)
    lines = (folder / STEPS).read_text().splitlines(keepends=True)
    (folder / STEPS).write_text("".join(lines[:2]))
    assert watch.look()
    assert next(events)["kind"] == "run"
    assert [step["step"] for step in next(events)["steps"]] == [20, 25]


def test_a_run_that_was_replaced_begins_anew(folder):
    watch, events = told_so_far(folder)
    values = json.loads((folder / "config.json").read_text())
    for name in ("last", "best"):
        shutil.rmtree(folder / name)
    for name in ("metrics.jsonl", "steps.jsonl"):
        (folder / name).unlink()
    (folder / "config.json").write_text(json.dumps(values | {"epochs": 7}))
    assert watch.look()
    told = by_kind([next(events) for _ in range(4)])
    assert told["run"]["epochs"] == 7
    assert (told["epochs"]["epochs"], told["maps"]["epochs"]) == ([], [])


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "last/training_state.json", "last/model.safetensors", "last/config.json"]
)
def test_what_is_damaged_is_told_and_the_watch_goes_on(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(b"{")
    watch = Watch(folder)
    watch.look()
    watch.look()
    note = by_kind(events_of(watch, 5))["note"]["text"]
    assert name.rpartition("/")[2].partition(".")[0] in note or "damaged" in note
    (folder / name).write_bytes(whole)
    (folder / "last" / "model.safetensors").touch()
    watch.look()
    told = by_kind(events_of(watch, 5))
    assert (told["note"]["text"], len(told["epochs"]["epochs"]), told["maps"]["epochs"]) == ("", 2, [0, 2])


def test_a_run_without_a_log_of_steps(folder):
    """As one that was made before there was any."""
    (folder / STEPS).unlink()
    watch = Watch(folder)
    watch.look()
    assert [event["kind"] for event in events_of(watch, 4)] == ["run", "epochs", "maps", "note"]


def test_what_is_no_run(tmp_path):
    for place in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UserError, match="no run folder"):
            Watch(place)


def test_events_over_http(folder, open_page):
    watch = Watch(folder)
    watch.look()
    page = open_page(open_studio(folder), watch=watch)
    assert json.loads(page("GET", "/about")[2])["watching"]
    arrays, _ = page.arrays("GET", "/maps?epoch=2")
    assert arrays["attention"].shape == (6, 2, 2, 2)
    assert "no maps of epoch 9" in page.sentence("GET", "/maps?epoch=9")[1]
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    lines = [answer.readline() for _ in range(10)]
    assert json.loads(lines[0].removeprefix(b"data: "))["kind"] == "run"
    assert lines[1] == b"\n"
    connection.close()


def test_no_run_is_watched(page):
    assert "--watch RUN" in page.sentence("GET", "/events")[1]
    assert page.sentence("GET", "/maps?epoch=1")[0] == 404
