"""A first signal waits for the end of the step, a second one does not."""

import signal
import threading

import pytest

from tinyvit.training.interrupts import Interrupts

SIGNALS = signal.SIGINT, signal.SIGTERM


@pytest.fixture(autouse=True)
def handlers():
    """Harmless handlers, so that a signal that is not caught fails a test and does not end all of them."""
    before = [signal.signal(number, lambda *_: None) for number in SIGNALS]
    yield [signal.getsignal(number) for number in SIGNALS]
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_a_first_signal_is_only_noted_and_a_second_stops_at_once(handlers, first, second):
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
