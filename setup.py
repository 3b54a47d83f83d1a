"""Build the loops in C of `affectmap.egemaps`; the rest of the package is declared in pyproject.toml.

Without a C compiler (gcc or clang) the package is installed all the same and computes with NumPy alone.
"""

from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path("src/affectmap/egemaps/compiled")

setup(
    ext_modules=[
        # A plain shared library, loaded by ctypes: Python's headers are not needed.
        Extension(
            "affectmap.egemaps.compiled._kernels",
            [str(FOLDER / name) for name in ("plain.c", "avx2.c")],
            depends=[str(path) for path in sorted(FOLDER.glob("*.h"))],
            # Products and sums are rounded one by one, so that results are the same on every processor.
            extra_compile_args=["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi"],
            optional=True,
        )
    ]
)
