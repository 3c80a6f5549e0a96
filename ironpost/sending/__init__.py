"""Counts what each account and each relaying machine sends, and has Postfix put off what is too much.

Runs on the mail host, where there is nothing but Python's standard library, as an access policy delegate
(SMTPD_POLICY_README). It keeps numbers and digests, and no address that anybody wrote to.
"""
