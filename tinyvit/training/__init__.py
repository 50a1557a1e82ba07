"""Training: steps, epochs, checkpoints, reports."""

from ..config.run import FinetuneConfig, RunConfig, TrainConfig
from ..datasets.batches import training_batch
from ..evaluation.classifier import load_classifier, load_trained
from ..evaluation.evaluate import evaluate, judge
from ..evaluation.predict import predict_probs
from ..evaluation.preprocessing import Preprocessing
from ..evaluation.report import classification_report, confusion_matrix
from ..evaluation.result import Evaluation
from ..storage.run_folder import read_run_config
from ..tasks import loss_and_gradients
from .history import History
from .interrupts import TrainingInterrupted
from .loop import Trainer
from .progress import Progress
from .recipes import RECIPES, recipe
from .start import resume, train
from .state import steps_per_epoch
from .step import train_step

__all__ = [
    "RECIPES",
    "Evaluation",
    "FinetuneConfig",
    "History",
    "Preprocessing",
    "Progress",
    "RunConfig",
    "TrainConfig",
    "Trainer",
    "TrainingInterrupted",
    "classification_report",
    "confusion_matrix",
    "evaluate",
    "judge",
    "load_classifier",
    "load_trained",
    "loss_and_gradients",
    "predict_probs",
    "read_run_config",
    "recipe",
    "resume",
    "steps_per_epoch",
    "train",
    "train_step",
    "training_batch",
]
