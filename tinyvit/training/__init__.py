"""From a config to a trained model: steps, epochs, checkpoints, reports."""

from .batch import steps_per_epoch, training_batch
from .config import FinetuneConfig, RunConfig, TrainConfig
from .evaluate import Evaluation, evaluate, judge, predict_probs
from .interrupts import TrainingInterrupted
from .loop import resume, train
from .progress import Progress
from .recipes import RECIPES, recipe
from .report import classification_report, confusion_matrix
from .run import read_run_config
from .step import loss_and_gradients, train_step
from .trained import Preprocessing, load_classifier, load_trained
from .trainer import History, Trainer

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
