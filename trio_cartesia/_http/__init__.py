"""Requests over HTTP: connections, retries, responses, and the resources of the API."""
