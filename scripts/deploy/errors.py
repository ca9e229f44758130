"""What ends a deployment before it has changed anything, or in the middle."""


class DeployError(Exception):
    """One sentence for a person: what is wrong, and what to do."""
