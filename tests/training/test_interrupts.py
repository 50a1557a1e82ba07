"""A first signal waits for the end of the step, a second one does not."""

import signal
import threading

import pytest

from tinyvit.training import interrupts as interrupts_module
from tinyvit.training.interrupts import Interrupts

SIGNALS = signal.SIGINT, signal.SIGTERM


@pytest.fixture(autouse=True)
def handlers():
    """Harmless handlers, so that a signal that is not caught fails a test and does not end all of them."""
    before = [signal.signal(number, lambda *_: None) for number in SIGNALS]
    yield [signal.getsignal(number) for number in SIGNALS]
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.process
@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_a_first_signal_is_noted_and_a_second_stops_at_once(handlers, first, second):
    with Interrupts() as interrupts:
        assert not interrupts.requested
        signal.raise_signal(first)
        assert interrupts.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_handlers_are_given_back_after_an_error(handlers):
    with pytest.raises(ZeroDivisionError), Interrupts():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_outside_the_main_thread_nothing_is_changed():
    before, inside = signal.getsignal(signal.SIGINT), []

    def work():
        with Interrupts() as interrupts:
            inside.append((signal.getsignal(signal.SIGINT), interrupts.requested))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [(before, False)]


@pytest.mark.process
@pytest.mark.parametrize("number", interrupts_module.SIGNALS)
def test_what_is_ignored_on_entry_stays_ignored(number):
    """As in the background of a script, or under nohup."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(number)
            assert not interrupts.requested
            assert signal.getsignal(number) == signal.SIG_IGN
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.process
def test_a_handler_in_c_is_left_alone(handlers, monkeypatch):
    """Python says None of it, and cannot set it again."""
    python = signal.signal

    def of_c(number, handler):
        assert number != signal.SIGTERM, "a handler that nobody can give back is replaced"
        return python(number, handler)

    getsignal = signal.getsignal
    monkeypatch.setattr(signal, "getsignal", lambda number: None if number == signal.SIGTERM else getsignal(number))
    monkeypatch.setattr(signal, "signal", of_c)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        assert interrupts.requested
    monkeypatch.undo()
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


@pytest.mark.process
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system does not hang up")
def test_the_end_of_the_terminal_is_never_a_second_signal():
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        for first in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            with Interrupts() as interrupts:
                signal.raise_signal(first)
                signal.raise_signal(signal.SIGHUP)
                assert interrupts.requested
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGHUP, before)
