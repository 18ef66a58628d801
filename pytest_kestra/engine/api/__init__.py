"""Kestra's REST API, served over the services of the embedded engine."""
