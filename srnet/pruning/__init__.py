"""Every method that finds a mask, one file each, and `search`, the door for a user's own model."""
