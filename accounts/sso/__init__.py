"""Single sign-on of organizations: OpenID Connect and SAML 2.0 (docs/sign-in.md)."""
