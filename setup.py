"""Build the loops in C of `affectmap.egemaps` and `affectmap.whisper`; the rest is declared in pyproject.toml.

Without a C compiler (gcc or clang) the package is installed all the same and computes with NumPy alone.
"""

from pathlib import Path

from setuptools import Extension, setup

SOURCES = {"egemaps": ("plain.c", "avx2.c"), "whisper": ("avx2.c",)}


def extension(room: str) -> Extension:
    """A plain shared library, loaded by ctypes: Python's headers are not needed."""
    folder = Path("src/affectmap") / room / "compiled"
    return Extension(
        f"affectmap.{room}.compiled._kernels",
        [str(folder / name) for name in SOURCES[room]],
        depends=[str(path) for path in sorted(folder.glob("*.h"))],
        # Products and sums are rounded one by one unless a loop says otherwise, so that the descriptors are the same on
        # every processor.
        extra_compile_args=["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi"],
        optional=True,
    )


setup(ext_modules=[extension(room) for room in SOURCES])
