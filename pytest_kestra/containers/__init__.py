"""Kestra in containers: the official image, an image of this machine's own files, and who removes what was started."""
