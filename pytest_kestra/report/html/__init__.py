"""The page that tells a whole run."""
