"""What pytest shows of Kestra when a test fails."""
