"""Measure the HTTP service: time to readiness, and the latency of a formula, of a CIF and of a batch.

The service runs in a process and a home of its own. Every request waits for the one before it; what is measured is the
time at the client, HTTP and JSON included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from typing import Any

SERVE = "import sys; from superion.cli import main; sys.argv.insert(1, 'serve'); main()"

CIF = """data_Li6PS5Cl
_cell_length_a 9.859
_cell_length_b 9.859
_cell_length_c 9.859
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F -4 3 m'
_symmetry_Int_Tables_number 216
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.3191 0.0251 0.6809 0.5
P1 P 0.5 0.5 0.5 1
S1 S 0.6188 0.6188 0.6188 1
S2 S 0.25 0.25 0.75 0.385
Cl2 Cl 0.25 0.25 0.75 0.615
S3 S 0 0 0 0.615
Cl3 Cl 0 0 0 0.385
"""


def main() -> None:
    """Start the service, ask, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--formulas", type=int, default=200, help="requests for one formula")
    parser.add_argument("--cifs", type=int, default=50, help="requests for one CIF")
    parser.add_argument("--batches", type=int, default=5, help="requests for 1,000 formulas")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "--port", "0"],
            env={**os.environ, "SUPERION_HOME": home},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = time.perf_counter() - start
            if "ready at " not in line:
                raise SystemExit("the service did not start")
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; ready after {ready:.1f} s")
            address = line.split("http://")[1].split()[0]
            connection = HTTPConnection(address, timeout=300)
            measure("formula, first ten", connection, [{"formula": f"Li6PS5Cl{i}"} for i in range(1, 11)])
            measure("formula", connection, [{"formula": f"Li{6 + i / 1000:.3f}PS5Cl"} for i in range(options.formulas)])
            measure("CIF, 56 sites", connection, [{"cif": CIF} for _ in range(options.cifs)])
            batch = [{"formula": f"Li{6 + i / 1000:.3f}PS5Cl"} for i in range(1000)]
            measure("1,000 formulas", connection, [batch] * options.batches)
            connection.close()
        finally:
            process.terminate()
            process.wait()


def measure(name: str, connection: HTTPConnection, requests: list[Any]) -> None:
    """Send requests one after the other and print their times [ms]."""
    times = []
    for materials in requests:
        body = json.dumps({"materials": materials if isinstance(materials, list) else [materials]})
        start = time.perf_counter()
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        document = json.loads(answer.read())
        times.append(1e3 * (time.perf_counter() - start))
        faults = [one["error"] for one in document.get("predictions", [document]) if "error" in one]
        if faults:
            raise SystemExit(f"{name}: {faults[0]}")
    times.sort()
    p95 = times[int(0.95 * (len(times) - 1))]
    spread = f"min {times[0]:7.1f}  median {statistics.median(times):7.1f}  p95 {p95:7.1f}"
    print(f"{name:<20} {len(times):>4} requests  {spread}  [ms]")


if __name__ == "__main__":
    main()
