"""Opens the tenant that a file describes; `scripts.bursa.creation` is its command."""
