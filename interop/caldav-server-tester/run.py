"""caldav-server-tester: what the authors of the Python library caldav ask of a server; each feature it knows is one test."""

import ast
import importlib.metadata
import json
import os
import pathlib
import subprocess

import accounts

ME, *OTHERS = accounts.ACCOUNTS

# The accounts beside the first, as the library's own configuration names them.
config = pathlib.Path("calendar.json").absolute()
config.write_text(json.dumps({other["name"]: {"caldav_url": other["address"], "caldav_username": other["name"], "caldav_password": other["password"]} for other in OTHERS}))
os.environ["CALENDARING_CONFIG_FILE"] = str(config)

accounts.version(f"caldav-server-tester {importlib.metadata.version('caldav-server-tester')}")
# The tester does not look for /.well-known/caldav on what it takes for a machine of its own; 127.1 is the same address.
address = ME["address"].replace("//127.0.0.1:", "//127.1:").replace("//localhost:", "//127.1:")
command = ["caldav-server-tester", "--caldav-url", address, "--caldav-username", ME["name"], "--caldav-password", ME["password"]]
for other in OTHERS:
    command += ["--config-section", other["name"]]
done = subprocess.run([*command, "--format", "hints"], stdout=subprocess.PIPE, text=True, timeout=240)
assert done.returncode == 0, f"ended with {done.returncode}"
for feature, found in sorted(ast.literal_eval(done.stdout).items()):
    words = ", ".join(f"{key}: {value}" for key, value in found.items())
    # What has no grade is an observation, which can only be there or not.
    if found.get("support", "full" if found.get("value") else "absent") == "full":
        accounts.passed(feature, words)
    else:
        accounts.failed(feature, words)
