"""Importing our Xero client beside importing the official Python SDK's accounting client: seconds and memory.

Each import is a fresh process, in turns, the best of the rounds. The SDK loads its HTTP library at once, we with the
first client that is made: who only looks at a plan never needs it. `make bench` brings the SDK.
"""

import json
import subprocess
import sys

ROUNDS = 9
OURS = "from xerotui.xero.client import TenantClient; from xerotui.net.http import HttpClient"
SDK = "from xero_python.accounting import AccountingApi; from xero_python.api_client import ApiClient"
MEASURE = """
import json, resource, time
began = time.perf_counter()
{work}
seconds = time.perf_counter() - began
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def once(work: str) -> tuple[float, float]:
    """Seconds of an import and megabytes of its process."""
    done = subprocess.run([sys.executable, "-c", MEASURE.format(work=work)], capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes


def main() -> None:
    """Measure both and print the ratios."""
    rounds = [(once(OURS), once(SDK)) for _ in range(ROUNDS)]
    mine, other = (min(r[k][0] for r in rounds) for k in (0, 1))
    print(f"import: {mine * 1000:.0f} ms beside {other * 1000:.0f} ms of the SDK, ratio {other / mine:.2f}")
    held, theirs = (min(r[k][1] for r in rounds) for k in (0, 1))
    print(f"import memory: {held:.0f} MB beside {theirs:.0f} MB of the SDK, ratio {theirs / held:.2f}")


if __name__ == "__main__":
    main()
