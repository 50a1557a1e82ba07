"""MLflow: a run of the experiment MLFLOW_EXPERIMENT_NAME, else tinyvit, in the store MLFLOW_TRACKING_URI names."""

import os
import time
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from .tracking import Beginning


class MLflow:
    """A run of MLflow, by its client alone, which leaves the run that a notebook may have active as it is."""

    def __init__(self, run: Beginning):
        self._client = MlflowClient()
        if run.id:
            self.id = run.id
            self._client.update_run(self.id, status="RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "tinyvit")
        experiment = self._client.get_experiment_by_name(name)
        place = experiment.experiment_id if experiment else self._client.create_experiment(name)
        self.id = self._client.create_run(place, run_name=run.folder.name).info.run_id
        settings = run.config.to_dict()
        settings |= {f"model.{name}": value for name, value in settings.pop("model").items()}
        params = [Param(name, str(value)) for name, value in settings.items()]
        for first in range(0, len(params), 100):  # as many as one call may have
            self._client.log_batch(self.id, params=params[first : first + 100])

    def log(self, values: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(self.id, metrics=[Metric(name, value, now, step) for name, value in values.items()])

    def close(self, *, finished: bool) -> None:
        self._client.set_terminated(self.id, "FINISHED" if finished else "KILLED")


open_run = MLflow
