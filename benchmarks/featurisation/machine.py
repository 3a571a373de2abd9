"""The machine and the versions that a run was made with."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from featurisation.peers import versions
from featurisation.setting import Setting

OURS = ("superion", "numpy", "gemmi", "torch", "torch-geometric")
LOCKED = ("matminer", "pymatgen")
APART = ("vesin", "pymatgen", "matscipy", "ase", "chgnet", "bvlain", "numpy", "scipy", "torch")


def facts(setting: Setting) -> dict[str, Any]:
    """Return the processor, the cores that may be used, the load at this moment, and the versions."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.*)", cpuinfo.read_text() if cpuinfo.is_file() else "")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "architecture": platform.machine(),
        "processor": names[0] if names else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "load_at_start": os.getloadavg()[0],
        "versions": {
            "superion": {name: version(name) for name in OURS},
            "peers of requirements.lock": versions(setting.locked, LOCKED) if setting.locked else None,
            "peers of benchmarks/peers.lock": versions(setting.apart, APART) if setting.apart else None,
        },
    }
