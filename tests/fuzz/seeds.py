"""What the fuzzers begin with: texts and tokens that the tests and the table of electrolytes hold already."""

from __future__ import annotations

import ast
import csv
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "featurizers"

TAGS = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")

ATOMS = {
    "P 1": "Li1 Li1+ 0 0 0 1\nCl1 Cl1- 0.5 0.5 0.5 1",
    "F -4 3 m": "Li1 Li .1804 .1804 .0190 0.5\nP1 P 0 0 0.5 1\nS1 S .25 .25 .75 0.385\nCl1 Cl .25 .25 .75 0.615",
    "F d -3 m": "Li1 Li 0.125 0.125 0.125 1\nTi1 Ti 0.5 0.5 0.5 1\nO1 O 0.2628 0.2628 0.2628 .",
    "R -3 m": "Li1 Li 0 0 0 1\nCo1 Co 0 0 0.5 1\nO1 O 0 0 0.24(1) 1",
}
"""Atoms of crystals that lie on special positions, by the name of their space group."""

POSCAR = "Li S\n{0}\n5.0 0.0 0.0\n0.7 6.0 0.0\n-0.4 0.9 7.0\n{1}2 1\n{2}\n0 0 0 {3}\n.5 .5 .5 {3}\n.25 .1 .9 {3}\n"
POSCAR_PARTS = (
    ("1.0", "Li S\n", "Direct", ""),
    ("-250", "Li_sv S/1a2b\n", "direct", "Li"),
    ("1 1.1 .9", "Li S\n", "Cartesian", "! comment"),
    ("1.1", "", "Selective dynamics\nkartesisch", "T T F"),
)
"""Scale, line of elements (VASP 4 has none), mode, and what follows a position."""

PHASES = (
    "formula,formation_energy_eV_per_atom\nLi2S,-1.4\nS2Li4,-1.3\nLi3P,-0.7\n",
    'formula,formation_energy_eV_per_atom,band_gap_eV,source\nLi2S,-1.4,3.1,a\nLi,0.02,,\n\nNaN,0.3,0,"b, c"\n',
    "\ufeffformula,target\r\nLi0.5S0.25,-1.4\r\n",
    "formula,target\nLi2S,-1.4\nLi3P,-0.7\nC,0\n\fformula,target\nLi4S2,3.0\nLi2S,0.0\nKCl,5\n",
)
"""Tables of phases; the last with a second file, of band gaps."""

DICTIONARY = {
    "cif": ("test_cif.py", "cif*.py", "symmetry.py", "type_symbols.py"),
    "poscar": ("test_convert.py", "poscar.py"),
    "formula": ("test_formula.py", "formula.py"),
    "structure": ("test_convert.py", "convert.py"),
    "phases": ("test_formula.py", "formula.py"),
}
"""Files of the tests and of the package whose strings are tokens for a target."""

HOSTILE = ("nan", "inf", "-1", "1e400", "1e-400", "1.06", "-0.5", "9" * 30, "\0", "\ufeff", "\r\n", "\x85", "٣", "²")
"""Tokens that are wrong in many places."""


def inputs(target: str) -> list[bytes]:
    """Return the seeds of a target, none where it is unknown."""
    if target == "formula":
        with (ROOT / "training" / "data" / "electrolytes.csv").open(encoding="utf-8") as file:
            table = [row["formula"] for row in csv.DictReader(file)]
        texts: Iterable[str] = [*table, *strings(TESTS / "test_formula.py", longest=60)]
    elif target == "cif":
        texts = cifs()
    elif target == "poscar":
        texts = (POSCAR.format(*parts) for parts in POSCAR_PARTS)
    elif target == "structure":
        return [bytes([document]) for document in range(3)]
    elif target == "phases":
        texts = PHASES
    else:
        return []
    return [text.encode() for text in dict.fromkeys(texts)]


def tokens(target: str) -> list[bytes]:
    """Return what is worth inserting whole into the input of a target."""
    found: list[str] = list(HOSTILE)
    for pattern in DICTIONARY.get(target, ()):
        for path in (*sorted(TESTS.glob(pattern)), *sorted((ROOT / "featurizers").glob(pattern))):
            found += strings(path, longest=40)
    return [token.encode("utf-8", "replace") for token in dict.fromkeys(found) if token]


def cifs() -> Iterator[str]:
    """Yield CIFs that state their symmetry as a name, a number, a Hall symbol or operations."""
    for name, atoms in ATOMS.items():
        cell = "5.6 5.6 28 90 90 120" if name.startswith("R") else "8.4 8.4 8.4 90 90 90"
        for symmetry in (
            f"_symmetry_space_group_name_H-M '{name}'\n_chemical_formula_sum 'Li2 O'",
            "_space_group_IT_number 227\n_space_group_name_Hall '-F 4vw 2vw 3'",
            "loop_\n_space_group_symop_operation_xyz\nx,y,z\n-x,-y,-z",
        ):
            tags = "\n".join(f"_cell_{tag} {value}" for tag, value in zip(TAGS, cell.split(), strict=True))
            columns = "\n".join(f"_atom_site_{column}" for column in COLUMNS)
            yield f"data_a\n{tags}\n{symmetry}\nloop_\n{columns}\n{atoms}\n"


def strings(path: Path, *, longest: int) -> list[str]:
    """Return the string constants of a Python file that are no longer than `longest` [characters]."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return list(dict.fromkeys(text for text in found if 0 < len(text) <= longest))


def write_corpus(target: str, folder: Path) -> None:
    """Write the seeds of a target into `folder`, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs(target):
        (folder / f"seed-{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(data)


def write_dictionary(target: str, path: Path) -> None:
    """Write the tokens of a target in the form that libFuzzer's `-dict` reads."""
    lines = ("".join(f"\\x{byte:02x}" for byte in token) for token in tokens(target))
    path.write_text("".join(f'"{line}"\n' for line in lines), encoding="ascii")


def read_dictionary(path: Path) -> list[bytes]:
    """Return the tokens of a file that `write_dictionary` wrote."""
    return [bytes.fromhex(line.strip('"').replace("\\x", "")) for line in path.read_text(encoding="ascii").splitlines()]
