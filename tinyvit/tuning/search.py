"""The search: trial after trial, then the winner, trained anew with other seeds, meets the test split."""

import functools
from collections.abc import Callable
from pathlib import Path

from ..errors import UserError
from ..storage.files import CONFIG
from ..storage.locks import FileLock
from ..training import Progress, TrainingInterrupted, resume, train
from .report import draw, report
from .result import Result, measure_in, told, trial_folder
from .settings import Settings, join
from .study import JOURNAL, Study, Trial
from .trial import Say, Track, run_trial

MAX_FAILURES = 5  # one after another: then the reason is hardly the values


def search(
    settings: Settings,
    folder: Path,
    *,
    pruning: bool = True,
    progress: Callable[[], Progress] = Progress,
    say: Say = lambda sentence: None,
    track: Track = lambda progress: progress,
) -> Result | None:
    """Run trials until so many are done as `settings` say, together with all processes that search in `folder`.

    The last of them trains the winner with other seeds, tests it, and draws and reports all; the others return None.

    Args:
        pruning: whether a trial that is worse than the median of the others ends early.
        progress: makes what the runs of the winner report to.
        track: puts trackers behind what a run reports to, of each trial and of the winner.

    Raises:
        UserError: the folder holds something else, no trial could be finished, or as `train`.
        KeyboardInterrupt: Ctrl-C was pressed; the trial's values are tried again when the search goes on.
    """
    dimensions = settings.dimensions()
    join(settings, folder)
    study = Study(folder, dimensions, settings.seed, pruning=pruning)
    notes: set[str] = set()

    def once(sentence: str) -> None:
        if sentence not in notes:
            notes.add(sentence)
            say(sentence)

    _run_trials(study, settings, folder, once, say, track)
    try:
        lock = FileLock(folder / JOURNAL)
    except BlockingIOError:
        say("another process trains the winner with other seeds and tests it")
        return None
    with lock:
        if _others_are_at_work(study, say):
            return None
        best = study.best()
        if best is None:
            raise UserError(f"no trial in {folder} was finished, so there is no winner: choose another --space")
        scores = _test_winner(settings, folder, best, lambda: track(progress()), say)
        result = Result(folder, study.trials(), best, measure_in(folder, best), scores, study.importance())
        figures = draw(settings, result)
        say(f"\n{report(settings, result)}\nfigures: {figures[0].parent}")
        return result


def _run_trials(study: Study, settings: Settings, folder: Path, note: Say, say: Say, track: Track) -> None:
    """Trials until there are enough."""
    failures = 0
    while begun := study.begin(settings.trials):
        trial, values = begun
        try:
            config = settings.config(values, trial_folder(folder, trial.number), settings.seed)
            score = run_trial(config, settings.free(), functools.partial(study.report, trial), note, track)
        except UserError as error:  # these values do not go together, or the loss diverged
            failures += 1
            study.fail(trial, str(error))
            say(f"trial {trial.number} failed: {error}")
            if failures == MAX_FAILURES:
                raise UserError(
                    f"{failures} trials have failed one after another, so the search stopped: {error}"
                ) from error
            continue
        except TrainingInterrupted as interrupted:
            study.give_back(trial)
            raise TrainingInterrupted(
                f"stopped; what trial {trial.number} tried is tried again: go on with tinyvit tune --resume {folder}"
            ) from interrupted
        except BaseException:
            study.give_back(trial)
            raise
        failures = 0
        if score is None:
            study.prune(trial)
        else:
            study.finish(trial, score)
        done, best = next(each for each in study.trials() if each.number == trial.number), study.best()
        say(told(done) + ("   best" if best and best.number == done.number else ""))


def _others_are_at_work(study: Study, say: Say) -> bool:
    """Whether trials still run in other processes, which is told."""
    running = [str(trial.number) for trial in study.trials() if trial.state == "running"]
    if running:
        say(f"trial {', '.join(running)} is still at work in another process; the last process to end tests the winner")
        for host in study.elsewhere():
            say(f"whether the process on {host} lives cannot be seen from here: if it ended, go on there")
    return bool(running)


def _test_winner(
    settings: Settings, folder: Path, best: Trial, progress: Callable[[], Progress], say: Say
) -> list[float]:
    """The winner's scores on the test split, from runs with other seeds than the one it won with."""
    seeds = f"{settings.winner_seeds} other seed{'s' * (settings.winner_seeds > 1)}"
    say(f"\nthe winner, trained with {seeds}, and only now tested:")
    scores = []
    for seed in range(settings.seed + 1, settings.seed + 1 + settings.winner_seeds):
        place = folder / f"winner-trial-{best.number:03}-seed-{seed}"
        if (place / CONFIG).exists():  # stopped, or done
            history = resume(place, progress=progress())
        else:
            history = train(settings.config(best.values, place, seed), progress=progress(), free=settings.free())
        scores.append(next(iter(history.test.measures.values())))
        say(f"seed {seed}: test {history.test.in_words}")
    return scores
