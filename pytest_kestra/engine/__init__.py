"""The embedded engine: Kestra itself, in a process of its own."""
