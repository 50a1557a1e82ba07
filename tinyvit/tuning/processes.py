"""Identity of a process, also once it is gone and its number belongs to another."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST = platform.node()


def this_process() -> dict[str, Any]:
    """Host, number and, where it can be known, beginning of this process."""
    return {"host": HOST, "pid": os.getpid(), "began": _began(os.getpid())}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether the process that `this_process` described still runs; of another host that is assumed."""
    pid = process.get("pid")
    if type(pid) is not int or pid <= 0:
        return False  # it was killed before it could say who it is
    if process.get("host") != HOST:
        return True
    return pid != os.getpid() and _exists(pid) and process.get("began") == _began(pid)


def _exists(pid: int) -> bool:
    if os.name == "nt":  # where os.kill ends a process
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        status = ctypes.c_ulong()
        alive = bool(handle and kernel.GetExitCodeProcess(handle, ctypes.byref(status)) and status.value == 259)
        kernel.CloseHandle(handle)
        return alive  # 259: STILL_ACTIVE
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        pass
    return True


def _began(pid: int) -> str:
    """When the process began, in clock ticks since the system did, where Linux tells; "" elsewhere, or of a zombie."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[18] if state != "Z" else ""
    except (OSError, ValueError, IndexError):
        return ""
