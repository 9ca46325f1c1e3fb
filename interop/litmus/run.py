"""litmus: the WebDAV server protocol compliance test suite, on a collection that is no calendar."""

import base64
import os
import re
import subprocess
import urllib.error
import urllib.request

import accounts

ME = accounts.ACCOUNTS[0]
# As litmus prints them: " 3. put_get............... pass"; what a test warns of stands between its name and its result.
NAME = re.compile(r"^ *(\d+)\. (\w+)\.* ?(.*)$")
RESULT = re.compile(r"^(?: *\.{6,} )?(pass|FAIL|SKIPPED)\b(.*)$")
SUMMARY = re.compile(r"of (\d+) tests run: (\d+) passed, (\d+) failed")


def collection_stands():
    """MKCOL; that it stands already is as good."""
    token = base64.b64encode(f"{ME['name']}:{ME['password']}".encode()).decode()
    request = urllib.request.Request(ME["plain"], headers={"Authorization": f"Basic {token}"}, method="MKCOL")
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        if error.code != 405:
            accounts.failed("a collection can be made", f"MKCOL: {error}")
            return False
    return True


def run(program):
    """One of litmus's programs; each of its tests is told of, and its own count must agree."""
    done = subprocess.run(["litmus", "-k", ME["plain"], ME["name"], ME["password"]], env=os.environ | {"TESTS": program}, capture_output=True, timeout=120)
    text = (done.stdout + done.stderr).decode(errors="replace").replace("\r", "\n")
    print(text)
    name, words, told = None, "", {}
    for line in text.splitlines():
        if started := NAME.match(line):
            name, words, line = f"{program} {started[1]} {started[2]}", "", started[3]
        if name and (ended := RESULT.match(line)):
            told[name] = (ended[1], f"{words}{ended[2]}".strip())
        elif name:
            words += f"{line}\n"
    for name, (result, words) in told.items():
        {"pass": accounts.passed, "FAIL": accounts.failed, "SKIPPED": accounts.skipped}[result](name, words)
    # "Run" are those that were not passed over.
    results = [result for result, _ in told.values()]
    counted = [results.count("pass") + results.count("FAIL"), results.count("pass"), results.count("FAIL")]
    summary = SUMMARY.search(text)
    assert summary and [int(number) for number in summary.groups()] == counted, f"{program}: litmus counts otherwise than {counted}"


accounts.version(subprocess.run(["litmus", "--version"], capture_output=True, text=True, check=True).stdout.strip())
if collection_stands():
    for program in ["basic", "copymove", "props", "http", "locks"]:
        run(program)
