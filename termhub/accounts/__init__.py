"""Users, credentials, tokens and login sessions."""
