"""Endpoints of resources: a module for each."""
