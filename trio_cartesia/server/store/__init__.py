"""The resources and the files of accounts."""
