"""How good a trained model is: predictions, measures, reports, calibration, figures."""
