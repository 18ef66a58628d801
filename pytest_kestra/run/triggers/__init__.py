"""The triggers of a flow: what they are, when they fire, and how they are set off."""
