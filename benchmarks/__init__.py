"""Speed and accuracy of the parts, each a command that prints a table."""
