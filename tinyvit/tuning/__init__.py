"""Hyperparameter search: many short training runs, whose values Optuna chooses by what the earlier ones came to."""
