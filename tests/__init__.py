"""The tests mirror the package, file by file; `tests.support` holds what they share."""
