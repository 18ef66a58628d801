"""Flows as people write them: reading their YAML, giving them a namespace of the test's own, deploying them."""
