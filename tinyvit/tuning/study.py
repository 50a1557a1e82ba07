"""A study of Optuna in the search's folder: the one file here that knows Optuna.

Several processes share the study by its journal. A journal has no heartbeat, so a process that is killed leaves its
trial "running" for ever: each trial has the process that runs it as attributes, and the next process gives it back.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from ..storage.locks import FileLock
from .processes import HOST, is_alive, this_process
from .settings import SETTINGS
from .space import Dimension, Range

try:
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.trial import TrialState
except ImportError as error:
    raise UserError(
        "a search needs Optuna, which is not installed: python -m pip install 'tinyvit[tune]', or give one value of "
        "each option to tinyvit train"
    ) from error

JOURNAL = "study.jsonl"
MAX_BURIALS = 3  # values whose trial was killed so often are not tried again: they may be why
_WAITING, _RUNNING = TrialState.WAITING, TrialState.RUNNING


class Trial(NamedTuple):
    """A trial, finished or not."""

    number: int
    state: str  # running, finished, pruned, failed (a sentence says why), killed
    values: dict[str, Any]  # of the tuned options, as their dimensions keep them
    score: float | None  # the dev measure that decides: of the best epoch, or the last one before it was pruned
    why: str = ""


class Study:
    """The trials so far, and the next one.

    Raises:
        UserError: the journal is damaged, or Optuna is not installed.
    """

    def __init__(self, folder: Path, dimensions: dict[str, Dimension], seed: int, *, pruning: bool = True):
        self._folder, self._dimensions, self._seed = folder, dimensions, seed
        self._mine: set[int] = set()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        journal = str(folder / JOURNAL)
        lock = JournalFileOpenLock(journal)  # the other one takes symbolic links, which Windows may forbid
        # Five trials run to their end before one is stopped early, and never before its second epoch, for us number 2.
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2)
        with self._lock():
            _drop_half_a_line(folder / JOURNAL)
            try:
                self._study = optuna.create_study(
                    study_name="tune",
                    storage=optuna.storages.JournalStorage(JournalFileBackend(journal, lock_obj=lock)),
                    direction="maximize",
                    load_if_exists=True,
                    pruner=pruner if pruning else optuna.pruners.NopPruner(),
                )
                self.trials()
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{folder / JOURNAL} is damaged ({error!r}): start anew in another --output") from error

    def begin(self, most: int) -> tuple[Any, dict[str, Any]] | None:
        """The next trial and its values, unless `most` are done or at work."""
        with self._lock():
            self._bury()
            trials = self.trials()
            if sum(trial.state != "killed" for trial in trials) >= most:
                return None
            # A sampler of its own for each trial: what is tried follows from the seed and the trials before, also
            # when several processes, one after another, have run them.
            digest = hashlib.sha256(f"{self._seed} {len(trials)}".encode()).digest()
            self._study.sampler = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4]), constant_liar=True)
            trial = self._study.ask()
            for name, value in this_process().items():
                trial.set_user_attr(name, value)
            self._mine.add(trial.number)
            return trial, {name: self._suggest(trial, name) for name in self._dimensions}

    def report(self, trial: Any, epoch: int, score: float) -> bool:
        """Whether the trial, which has come so far, should be stopped."""
        trial.report(score, epoch)
        return bool(trial.should_prune())

    def finish(self, trial: Any, score: float) -> None:
        self._study.tell(trial.number, score, skip_if_finished=True)

    def prune(self, trial: Any) -> None:
        self._study.tell(trial.number, state=TrialState.PRUNED, skip_if_finished=True)

    def fail(self, trial: Any, why: str) -> None:
        """The trial's values cannot be used, since `why`."""
        trial.set_user_attr("why", why)
        self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def give_back(self, trial: Any) -> None:
        """The trial was stopped, for no fault of its values, which will be tried again."""
        with self._lock():
            self._again(trial.number, trial.params, trial.user_attrs)

    def trials(self) -> list[Trial]:
        """All that were begun."""
        known = self._study.get_trials(deepcopy=False)
        return [self._read(trial) for trial in known if trial.state != _WAITING]

    def best(self) -> Trial | None:
        """The finished trial with the highest score, of equal ones the first."""
        finished = [trial for trial in self.trials() if trial.state == "finished"]
        return max(finished, key=lambda trial: trial.score or 0.0, default=None)

    def elsewhere(self) -> list[str]:
        """Hosts on which trials run, other than this one."""
        running = self._study.get_trials(deepcopy=False, states=[_RUNNING])
        return sorted({str(trial.user_attrs.get("host")) for trial in running} - {HOST})

    def importance(self) -> dict[str, float]:
        """Share of each option in what tells good trials from others, by PED-ANOVA (Watanabe, Bansal and Hutter, 2023,
        arXiv:2304.10255); empty with fewer than four finished trials, or where all came to the same.
        """
        finished = [trial for trial in self.trials() if trial.state == "finished"]
        if len(finished) < 4 or len({trial.score for trial in finished}) < 2:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return dict(optuna.importance.get_param_importances(self._study, evaluator=evaluator))

    def _lock(self) -> FileLock:
        return FileLock(self._folder / SETTINGS, wait=True)

    def _bury(self) -> None:
        """Give back the trials of processes that are no more."""
        for trial in self._study.get_trials(deepcopy=False, states=[_RUNNING]):
            if trial.number not in self._mine and not is_alive(trial.user_attrs):
                self._again(trial.number, trial.params, trial.user_attrs)

    def _suggest(self, trial: Any, name: str) -> Any:
        dimension = self._dimensions[name]
        if not isinstance(dimension, Range):
            return dimension.values[trial.suggest_categorical(name, list(dimension.values))]
        suggest = trial.suggest_int if dimension.whole else trial.suggest_float
        return suggest(name, dimension.low, dimension.high, log=dimension.log)

    def _again(self, number: int, params: dict[str, Any], attributes: dict[str, Any]) -> None:
        burials = int(attributes.get("burials", 0)) + 1
        self._study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
        if params and burials < MAX_BURIALS:
            self._study.enqueue_trial(params, user_attrs={"burials": burials})

    def _read(self, trial: Any) -> Trial:
        why = str(trial.user_attrs.get("why", ""))
        failed = "failed" if why else "killed"
        state = {"RUNNING": "running", "COMPLETE": "finished", "PRUNED": "pruned"}.get(trial.state.name, failed)
        values = {
            name: dimension.values[trial.params[name]] if not isinstance(dimension, Range) else trial.params[name]
            for name, dimension in self._dimensions.items()
            if name in trial.params
        }
        score = trial.value if trial.value is not None else trial.intermediate_values.get(trial.last_step)
        return Trial(trial.number, state, values, score, why)


def _drop_half_a_line(journal: Path) -> None:
    """A full disk or a power cut may have left half a line at the end, to which no other may be appended."""
    content = journal.read_bytes() if journal.exists() else b""
    if content and not content.endswith(b"\n"):
        with open(journal, "r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)
