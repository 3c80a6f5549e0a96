"""From components to pyinfra operations: `provision(part)` names a part of the host, `settle()` changes the host."""

from ironpost.operations.deploy import provision, settle

__all__ = ["provision", "settle"]
