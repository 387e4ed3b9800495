"""Fixtures: a box for everything a test starts, judged at its end."""

import os
import random
import sys

import pytest

import harness
import peers


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "load: takes long because it needs much traffic or time")
    harness.become_subreaper()


def pytest_report_header(config):
    return (f"spawnd in {harness.BUILD}, "
            f"{'with' if harness.ASAN else 'without'} AddressSanitizer")


@pytest.fixture(scope="session", autouse=True)
def programs():
    harness.prepare()
    if len(harness.Box.programs) < 4:
        pytest.exit(f"spawnd, spawnctl, relay and logger must be built in "
                    f"{harness.BUILD} (set BUILDDIR)", 99)
    yield
    harness.clean_up()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


@pytest.fixture
def box(request):
    box = harness.Box(request.node.name)
    yield box
    faults = box.finish()
    report = getattr(request.node, "report_call", None)
    if faults or report is None or report.failed:
        print(f"kept: {box.dir}\n{box.describe()[-20000:]}")
    else:
        box.remove()
    assert not faults, "\n".join(faults)


@pytest.fixture(params=["epoll", "poll"])
def mechanism(request, box):
    """Runs a test with each way to wait for events."""
    box.event = request.param
    return request.param


@pytest.fixture(params=["epoll", "epoll-copy", "epoll-splice", "epoll-so",
                        "poll"])
def data_path(request, box):
    """Runs a test with each way to wait for events and to move bytes; "so" is
    SO_SPLICE, from the first byte, with a thread in the kernel's place."""
    box.event, _, box.io = request.param.partition("-")
    if box.io == "so":
        use_so_splice(box)
        box.io = "splice"
    return request.param


@pytest.fixture
def so_splice(box):
    """The relay splices by SO_SPLICE."""
    use_so_splice(box)


def use_so_splice(box):
    if harness.find_program("relay-so") is None:
        pytest.skip("no relay-so: make check builds it")
    box.libexec = "libexec-so"


@pytest.fixture
def daemon(box):
    """daemon(remotes=[...], spawnd="...", relay="...", listen="..."): starts
    spawnd with such a configuration and waits until it serves."""
    return box.daemon


@pytest.fixture
def backend(box):
    """backend(handler): a server that runs handler(sock) a connection."""
    def make(handler=peers.echo, **kw):
        return box.closing(peers.Backend(handler, **kw))
    return make


@pytest.fixture
def echo(box):
    """A fast echo server."""
    return box.closing(peers.EchoServer())


@pytest.fixture
def seed():
    value = int(os.environ.get("SEED") or
                random.SystemRandom().getrandbits(32))
    print(f"SEED={value}", file=sys.stderr)
    return value
