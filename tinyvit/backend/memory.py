"""Memory allocation of NumPy on the host, and a setting that keeps freed memory for reuse."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
MAX_KEPT_BLOCK = 32 * 2**20  # glibc takes no more
MAX_KEPT = 2**30


def keep_freed_memory() -> bool:
    """Ask the C library to keep what is freed for the next array; returns whether it could be asked.

    A step makes the same temporaries again and again. By default glibc gives large ones back to the system when they
    are freed, so that each new one is paged in and filled with zeros anew: thousands of pages a step, up to a quarter
    of its time. Nothing else changes, no number either. On macOS and Windows the libraries keep memory by themselves.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library than glibc
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MAX_KEPT_BLOCK) and mallopt(M_TRIM_THRESHOLD, MAX_KEPT))
