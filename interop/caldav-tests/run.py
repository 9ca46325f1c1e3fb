"""The functional tests of the Python library caldav, from its sources, blocking and asynchronous ones, against one server.

What the layout says that its server does not do is not asked for by these tests; one of them looks whether that is true."""

import importlib.metadata
import json
import os
import pathlib

import accounts
import report_pytest

ME = accounts.ACCOUNTS[0]
USERS = [{"url": account["address"], "username": account["name"], "password": account["password"]} for account in accounts.ACCOUNTS]

sources = pathlib.Path(os.environ["INTEROP_SDIST"])
server = {"type": "external", "enabled": True, **USERS[0], "scheduling_users": USERS, "features": accounts.CALDAV_FEATURES}
# Names of test classes end in the server's; it is one name for every server, so that tables can be compared.
(sources / "tests/caldav_test_servers.json").write_text(json.dumps({"test-servers": {"Interop": server}}))
# The servers that these tests would start themselves.
os.environ |= {"PYTHON_CALDAV_TEST_EMBEDDED": "0", "PYTHON_CALDAV_TEST_DOCKER": "0", "TMPDIR": os.getcwd()}

accounts.version(f"caldav {importlib.metadata.version('caldav')}")
report_pytest.run("tests/test_caldav.py", "tests/test_async_integration.py", folder=sources)
