"""Apple's CalDAVTester: its XML scripts, run by the program beside this suite, `caldavtester --help`, each script on a fresh store.

The scripts are read from the directory that CALDAVTESTER names, else from ../shared/caldavtester beside the repository."""

import json
import os
import pathlib
import pwd
import subprocess

import accounts

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path(os.environ["INTEROP_ROOT"])
DATA = pathlib.Path(os.environ.get("CALDAVTESTER", ROOT.parent / "shared/caldavtester"))
LAYOUT = HERE / f"{accounts.SERVER.lower()}.toml"


def build():
    """The program; where it lies."""
    line = ["cargo", "build", "-q", "--locked", "-p", "interop", "--bin", "caldavtester", "--message-format", "json"]
    # Suites have a home of their own; what cargo has fetched lies in the person's.
    home = {"HOME": pwd.getpwuid(os.getuid()).pw_dir}
    done = subprocess.run(line, cwd=ROOT, env=os.environ | home, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    built = [json.loads(line) for line in done.stdout.splitlines()]
    return next(it["executable"] for it in built if it.get("executable") and it["target"]["name"] == "caldavtester")


def run():
    out = pathlib.Path("verdicts.json").absolute()
    line = [build(), "--data", str(DATA), "--layout", str(LAYOUT), "--json", str(out), "--work", str(pathlib.Path("work").absolute())]
    if "SHOJI_BIN" not in os.environ:
        # Another server, which is left as it is.
        address = accounts.ACCOUNTS[0]["address"]
        line += ["--server", "/".join(address.split("/")[:3])]
    done = subprocess.run(line, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    assert done.returncode in (0, 1), done.stderr
    files = json.loads(out.read_text())["files"]
    accounts.version(f"{len(files)} scripts")
    for file in files:
        if file["apart"]:
            # Of standards that are not planned; how far it comes is told, not judged.
            accounts.passed(f"{file['file']}: is run", f"{file['passed']} passed, {file['failed']} failed, {file['ignored']} ignored")
            continue
        for test in file["tests"]:
            if test["verdict"] == "passed":
                accounts.passed(test["name"])
            elif test["verdict"] == "failed":
                accounts.failed(test["name"], test["words"])
    if "SHOJI_BIN" in os.environ:
        if done.returncode == 0:
            accounts.passed("expected.toml: agrees, with a reason for each failure")
        else:
            accounts.failed("expected.toml: agrees, with a reason for each failure", done.stdout)


run()
