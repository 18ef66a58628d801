"""Where a Kestra server comes from: the embedded engine, or one that already runs."""
