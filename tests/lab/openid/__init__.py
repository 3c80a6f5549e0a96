"""A provider of access tokens (npm's oidc-provider, under node on a host of the lab), and who gets tokens from it."""
