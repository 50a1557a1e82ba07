"""Measures of how good a model is, one subject a file: NumPy alone, with the values of libraries that define them."""
