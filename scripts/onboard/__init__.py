"""`make onboard`: opens the tenant that a file describes."""
