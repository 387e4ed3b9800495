"""Fixtures: a box for everything a test starts, judged at its end."""

import os
import random
import signal
import sys

import pytest

import harness
import peers


TEST_LIMIT = 300    # s: what takes so long will not end


def pytest_addoption(parser):
    parser.addoption("--part", choices=["all", "together", "alone"],
                     default="all", help="what may run beside other tests, "
                     "or what must not (marked alone)")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "load: takes long because it needs much traffic or time")
    config.addinivalue_line(
        "markers", "alone: measures, so nothing else may run beside it")
    config.addinivalue_line(
        "markers", "rights: where root runs it, it needs all that root may, "
        "which is less in most containers")
    harness.become_subreaper()


def pytest_collection_modifyitems(config, items):
    if harness.is_confined():
        for item in items:
            if item.get_closest_marker("rights"):
                item.add_marker(pytest.mark.skip(reason="root may not make "
                                "networks and look into others here"))
    part = config.getoption("part")
    if part == "all":
        return
    chosen, others = [], []
    for item in items:
        alone = item.get_closest_marker("alone") is not None
        (chosen if alone == (part == "alone") else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def hangs(signo, frame):
    pytest.fail(f"the test hangs: {TEST_LIMIT} s are over")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol():
    """Whatever the test waits for then ends with an exception, and what it
    does at its end once more so."""
    signal.signal(signal.SIGALRM, hangs)
    signal.setitimer(signal.ITIMER_REAL, TEST_LIMIT, TEST_LIMIT / 5)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def pytest_report_header(config):
    return (f"spawnd in {harness.BUILD}, "
            f"{'with' if harness.ASAN else 'without'} AddressSanitizer")


@pytest.fixture(scope="session", autouse=True)
def programs():
    harness.prepare()
    if len(harness.Box.programs) < 5:
        pytest.exit(f"spawnd, spawnctl and libexec must be built in "
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
                        "epoll-tls", "poll"])
def data_path(request, box):
    """Runs a test with each way to wait for events and to move bytes; "so" is
    SO_SPLICE, from the first byte, with a thread in the kernel's place; "tls"
    is TLS between clients and the daemon, by another one."""
    box.event, _, box.io = request.param.partition("-")
    if box.io == "so":
        use_so_splice(box)
        box.io = "splice"
    elif box.io == "tls":
        box.io = None
        use_tls(box)
    return request.param


@pytest.fixture
def so_splice(box):
    """The relay splices by SO_SPLICE."""
    use_so_splice(box)


def use_tls(box):
    if not harness.has_tls():
        pytest.skip("built without OpenSSL, or openssl is missing")
    box.tls = True


def use_so_splice(box):
    if harness.find_program("relay-so") is None:
        pytest.skip("no relay-so: make check builds it")
    box.libexec = "libexec-so"
    if harness.ASAN:
        box.sandbox = "off"     # or LeakSanitizer may not stop its thread


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
