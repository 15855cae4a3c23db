"""Endpoints that do not speak, a module a resource."""
