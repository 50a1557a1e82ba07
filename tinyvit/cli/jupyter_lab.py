"""`tinyvit lessons open`: a lesson in JupyterLab, one server for all of them."""

import hashlib
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from ..errors import UserError
from .browser import opens
from .lesson_copies import LESSONS
from .output import complain, say

INSTALL = "python -m pip install -e '.[lessons]'"
HOST, PORT = "127.0.0.1", 8888
EVERYWHERE = ("0.0.0.0", "::", "")
OURS = (
    f"tinyvit{hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]}"  # begins the token of this environment's servers
)
SECONDS = 180.0  # that a server may take to answer


def open_in_jupyter(path: Path, *, host: str | None, port: int | None, no_browser: bool) -> int:
    """Show a notebook in the JupyterLab that `lessons open` started before, or in one that runs until Ctrl-C.

    Raises:
        UserError: JupyterLab is not installed, the port is taken, or the server does not start.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise UserError(f"JupyterLab is not installed: {INSTALL}, or open {path} in any notebook editor")
    path = Path(os.path.realpath(path))
    for server in _running():
        wanted = host in (None, server["hostname"]) and port in (None, server["port"])
        if wanted and path.is_relative_to(server["root_dir"]) and _answers(server):
            say(f"{path.name} is in the JupyterLab that runs already, at {_address(server, path)}")
            _show(_address(server, path), no_browser)
            return 0
    return _serve(path, host or HOST, _free_port(host or HOST, port), no_browser)


def _serve(path: Path, host: str, port: int, no_browser: bool) -> int:
    token = os.environ.get("JUPYTER_TOKEN") or OURS + secrets.token_hex(24)
    server = {"hostname": host, "port": port, "root_dir": str(_root(path)), "token": token, "base_url": "/"}
    options = [f"--ServerApp.root_dir={server['root_dir']}", f"--ip={host}", f"--port={port}", "--no-browser"]
    options += ["--ServerApp.port_retries=0", "--ServerApp.answer_yes=True", "--log-level=WARN"]
    options += ["--ServerApp.base_url=/", "--ContentsManager.allow_hidden=True"]  # a folder above may begin with a dot
    if getattr(os, "geteuid", lambda: 1)() == 0:
        say("you are root, and so is JupyterLab: its notebooks may do everything on this machine")
        options.append("--allow-root")
    if host == HOST and _in_container():
        say(
            "this is a container: to see JupyterLab outside of it, publish a port (docker run -p 8888:8888 ...) "
            "and add --host 0.0.0.0 --port 8888"
        )
    say("JupyterLab is starting ...")
    command = [sys.executable, "-m", "jupyterlab", *options]
    with subprocess.Popen(command, env=os.environ | {"JUPYTER_TOKEN": token}) as process:
        try:
            _wait_for(server, process)
            say(f"{path.name} is in JupyterLab at {_address(server, path)}")
            say("Ctrl-C here ends it. Open other lessons from its list of files, or from another terminal as this one.")
            _show(_address(server, path), no_browser)
            return process.wait()
        except KeyboardInterrupt:
            say("JupyterLab is closed")
            return 0
        finally:
            if process.poll() is None:
                process.terminate()  # it ends its kernels


def _running() -> Iterator[dict[str, Any]]:
    """Servers that `lessons open` has started in this environment and that live, as Jupyter notes them."""
    from jupyter_server.serverapp import list_running_servers

    tokens = (OURS, os.environ.get("JUPYTER_TOKEN") or OURS)
    try:
        yield from (server for server in list_running_servers() if str(server.get("token")).startswith(tokens))
    except OSError:  # the notes cannot be read
        return


def _answers(server: dict[str, Any]) -> bool:
    address = f"http://{_reached_at(server)}{server['base_url']}api/status?token={server['token']}"
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=2) as answer:
            return "kernels" in json.load(answer)
    except (URLError, OSError, ValueError):
        return False


def _wait_for(server: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS
    while not _answers(server):
        if process.poll() is not None:
            raise UserError("JupyterLab did not start: what it printed above says why")
        if time.monotonic() > end:
            raise UserError(f"JupyterLab does not answer at port {server['port']}: choose another --port")
        time.sleep(0.2)


def _show(address: str, no_browser: bool) -> None:
    if not (no_browser or opens(address)):
        complain("no browser could be opened here: open this address in one")


def _address(server: dict[str, Any], path: Path) -> str:
    inside = quote(path.relative_to(server["root_dir"]).as_posix())
    return f"http://{_reached_at(server)}{server['base_url']}lab/tree/{inside}?token={server['token']}"


def _reached_at(server: dict[str, Any]) -> str:
    host = HOST if server["hostname"] in EVERYWHERE else server["hostname"]
    return f"[{host}]:{server['port']}" if ":" in host else f"{host}:{server['port']}"


def _root(path: Path) -> Path:
    """The folder that has both the copies and the clone in it: a link leads nowhere above JupyterLab's root."""
    try:
        return Path(os.path.commonpath([path.parent, os.path.realpath(LESSONS.parent)]))
    except ValueError:  # on Windows: another drive
        complain(f"links to tinyvit's files need copies on its drive: choose a --folder beside {LESSONS.parent}")
        return path.parent


def _free_port(host: str, port: int | None) -> int:
    """The port asked for, or the first free one from 8888 on; for 0, any that is free."""
    for tried in range(PORT, PORT + 100) if port is None else [port]:
        try:
            with socket.create_server((host, tried), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
                return int(free.getsockname()[1])
        except OSError as error:
            problem = error.strerror or str(error)
    raise UserError(f"{host}, port {tried} cannot be used ({problem}): choose another --port or --host")


def _in_container() -> bool:
    return any(Path(name).exists() for name in ("/.dockerenv", "/run/.containerenv"))
