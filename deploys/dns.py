"""The DNS records of all mail hosts of the inventory, planned and published once, from this controller.

pyinfra inventories/prod.py deploys/dns.py --dry
pyinfra inventories/prod.py deploys/dns.py
"""

import sys
from pathlib import Path

checkout = Path(__file__).resolve().parents[1]
if (checkout / "pyproject.toml").is_file():
    sys.path.insert(0, str(checkout))

from ironpost.operations.dns import publish  # noqa: E402

publish()
