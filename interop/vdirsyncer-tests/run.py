"""vdirsyncer's own storage tests, from its sources, against one more server beside those it knows."""

import importlib.metadata
import os
import pathlib

import accounts
import report_pytest

ME = accounts.ACCOUNTS[0]
# How vdirsyncer's tests ask for a server: a module of this name that makes a collection for each test.
MIXIN = f"""
import pytest


class ServerMixin:
    @pytest.fixture
    def get_storage_args(self, slow_create_collection, aio_connector):
        async def arguments(collection="test"):
            arguments = {{"url": {ME["address"]!r}, "username": {ME["name"]!r}, "password": {ME["password"]!r}, "connector": aio_connector}}
            return await slow_create_collection(self.storage_class, arguments, collection) if collection is not None else arguments
        return arguments
"""

sources = pathlib.Path(os.environ["INTEROP_SDIST"])
server = sources / "tests/storage/servers/interop"
server.mkdir(exist_ok=True)
(server / "__init__.py").write_text(MIXIN)
os.environ["DAV_SERVER"] = "interop"
# Generated inputs are the same ones every time.
os.environ["DETERMINISTIC_TESTS"] = "true"

accounts.version(f"vdirsyncer {importlib.metadata.version('vdirsyncer')}")
report_pytest.run("-o", "addopts=", "-W", "ignore", "tests/storage/dav/test_caldav.py", "tests/storage/dav/test_main.py", folder=sources)
