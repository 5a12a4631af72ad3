"""SCIM 2.0 (RFC 7643, RFC 7644): a company's directory manages who is in its organization and in which teams."""
