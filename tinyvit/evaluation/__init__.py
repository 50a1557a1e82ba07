"""Evaluation of a trained model: predictions, metrics, reports, calibration, figures."""
