"""Signing in on a device by the browser of another: the OAuth 2.0 device authorization grant, RFC 8628 (docs/tokens.md)."""
