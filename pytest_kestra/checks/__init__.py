"""What can be said about flows without running them."""
