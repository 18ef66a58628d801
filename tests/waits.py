"""How long tests wait for what must come."""

# In seconds; far more than anything takes where all is well, as a machine may have far too much to do.
WAIT_S = 600
