import runpy

from setuptools import find_packages, setup

extensions = runpy.run_path("theirservice/_vendor/csrc/extensions.py")["extensions"]

setup(
    name="theirservice",
    packages=find_packages(include=["theirservice", "theirservice.*"]),
    ext_modules=extensions("theirservice._vendor.pysock"),
)
