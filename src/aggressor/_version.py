"""The version of the package: one constant, importable without anything else."""

VERSION = "0.1.0"
