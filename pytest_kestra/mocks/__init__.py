"""Mocks of tasks: what stands where a flow's task would reach out."""
