"""The files of accounts."""
