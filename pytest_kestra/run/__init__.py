"""Running flows, waiting for them, and reading what they did; usable without pytest."""
