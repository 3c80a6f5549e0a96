"""One mail host, from top to bottom.

pyinfra inventories/prod.py deploys/mail.py --dry
pyinfra inventories/prod.py deploys/mail.py
"""

import sys
from pathlib import Path

checkout = Path(__file__).resolve().parents[1]
if (checkout / "pyproject.toml").is_file():
    sys.path.insert(0, str(checkout))

from ironpost.components.accounts import accounts  # noqa: E402
from ironpost.components.bans import bans  # noqa: E402
from ironpost.components.certificates import certificates  # noqa: E402
from ironpost.components.dovecot import dovecot  # noqa: E402
from ironpost.components.firewall import firewall  # noqa: E402
from ironpost.components.forwarding import forwarding  # noqa: E402
from ironpost.components.outbound import outbound  # noqa: E402
from ironpost.components.postfix import postfix  # noqa: E402
from ironpost.components.resolver import resolver  # noqa: E402
from ironpost.components.rspamd import rspamd  # noqa: E402
from ironpost.components.sending import sending  # noqa: E402
from ironpost.components.system import system  # noqa: E402
from ironpost.components.web import web  # noqa: E402
from ironpost.operations import provision, settle  # noqa: E402

provision(system)  # name, time, updates, SSH
provision(firewall)  # closed before anything listens
provision(resolver)  # DANE is only as good as the resolver
provision(certificates)
provision(accounts)
provision(dovecot)  # makes the SASL and LMTP sockets that Postfix needs
provision(rspamd)
provision(web)  # policies and settings over HTTPS, where a domain has them
provision(outbound)  # DANE before MTA-STS
provision(sending)  # answers Postfix whether one more recipient is too much
provision(forwarding)  # where an account may forward: its rule, and the senders of what goes on
provision(postfix)  # last of these: no mail is accepted until the rest is ready
provision(bans)  # reads what the others log
settle()  # staged, checked by the programs themselves, switched as a whole, confirmed over a new connection
