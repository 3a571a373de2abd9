"""Build superion: map the top-level folders into one package and compile the Cython bindings over the C core.

The mapped folders are listed because setuptools cannot discover them; packages inside each are found.

SUPERION_SANITIZE=address,undefined compiles the extensions with these sanitizers of gcc or clang. They then need the
sanitizer's runtime to be loaded first, so such a build goes into a folder of its own: `setup.py build --build-base X`.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import OptionError

# "superion.cli" and other folders inside these are found below.
FOLDERS = {
    "superion": "src/superion",
    "superion.featurizers": "featurizers",
    "superion.models": "models",
    "superion.training": "training",
    "superion.discovery": "discovery",
    "superion.serving": "serving",
}
PACKAGES = [
    package
    for root, folder in FOLDERS.items()
    for package in (root, *(f"{root}.{sub}" for sub in find_packages(folder)))
]

# -ffp-contract=off keeps the arithmetic the same on machines with and without fused multiply-add.
COMPILE_ARGS = [] if sys.platform == "win32" else ["-std=c11", "-O3", "-ffp-contract=off", "-Wall", "-Wextra"]
LIBRARIES = [] if sys.platform == "win32" else ["m"]
SANITIZERS = os.environ.get("SUPERION_SANITIZE", "")
SANITIZE_ARGS = [f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all"] if SANITIZERS else []
if SANITIZERS:
    COMPILE_ARGS += [*SANITIZE_ARGS, "-fno-omit-frame-pointer", "-g", "-O1"]


class BuildExtensions(build_ext):
    """Compile the extensions; with sanitizers never into the tree, where every later import would fail."""

    def run(self):
        if SANITIZERS and (self.inplace or self.editable_mode):
            raise OptionError("SUPERION_SANITIZE is set: build into a folder of its own, setup.py build --build-base X")
        super().run()


def extension(name, *c_sources):
    """Describe the extension `superion.featurizers.<name>`, built from its .pyx and the C sources it binds."""
    return Extension(
        f"superion.featurizers.{name}",
        sources=[f"featurizers/{name}.pyx", *(f"csrc/{source}" for source in c_sources)],
        include_dirs=["csrc"],
        depends=sorted(str(path) for path in Path("csrc").iterdir() if path.suffix in {".h", ".pxd"}),
        extra_compile_args=COMPILE_ARGS,
        extra_link_args=SANITIZE_ARGS,
        libraries=LIBRARIES,
    )


setup(
    cmdclass={"build_ext": BuildExtensions},
    packages=PACKAGES,
    package_dir=FOLDERS,
    ext_modules=cythonize(
        [
            extension("_neighbors", "neighbors.c", "groups.c", "images.c", "lattice.c", "status.c"),
            extension("_orbits", "orbits.c", "status.c"),
            extension("_clearance", "clearance.c", "brick.c", "images.c", "lattice.c", "status.c"),
            extension("_composition", "composition.c", "formula_text.c", "status.c"),
            extension("_hull", "hull.c", "hull_basis.c", "status.c"),
            extension("_forest", "forest.c", "status.c"),
            extension(
                "_landscape", "landscape.c", "site_potential.c", "grid.c", "pathway.c", "percolation.c", "status.c"
            ),
        ],
        include_path=["csrc"],
        compiler_directives={"language_level": "3"},
        build_dir="build/cython",
    ),
)
