"""A plugin of pytest's, `-p report_pytest`: reports each test of a public suite, by its path, class, name and parameters."""

import accounts

_PHASES = {}


def pytest_runtest_logreport(report):
    _PHASES.setdefault(report.nodeid, []).append(report)


def pytest_runtest_logfinish(nodeid):
    phases = _PHASES.pop(nodeid, [])
    name = nodeid.removeprefix("tests/")
    bad = [phase for phase in phases if phase.failed]
    # A suite's own expectation of a failure is no excuse here: it was written for another server.
    excused = [phase for phase in phases if phase.skipped and hasattr(phase, "wasxfail")]
    over = [phase for phase in phases if phase.skipped and not hasattr(phase, "wasxfail")]
    if bad or excused or not phases:
        accounts.failed(name, "\n".join(str(phase.longrepr) for phase in bad or excused))
    elif over:
        where, line, why = over[0].longrepr if isinstance(over[0].longrepr, tuple) else ("", 0, str(over[0].longrepr))
        accounts.skipped(name, why.removeprefix("Skipped: "))
    else:
        accounts.passed(name)


def pytest_collectreport(report):
    if report.failed:
        accounts.failed(f"collecting {report.nodeid.removeprefix('tests/')}", str(report.longrepr))


def run(*words, folder):
    """Runs pytest in a folder; only what is told test by test counts, and that it came to its end."""
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "pytest", "-p", "report_pytest", "-p", "no:cacheprovider", "--tb=short", "-q",
               "-o", "asyncio_default_fixture_loop_scope=function", *words]
    code = subprocess.run(command, cwd=folder, env=os.environ | {"COLUMNS": "140"}).returncode
    # 0 and 1: all was run, without and with failures.
    if code not in (0, 1):
        raise SystemExit(f"pytest ended with {code}")
