"""What is known of an execution that is not as wished, and what a failure tells of it."""
