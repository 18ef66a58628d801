"""Kestra's unit-test suites as tests of pytest."""
