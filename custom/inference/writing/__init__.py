"""Files that appear whole or not at all, and never in the place of what a run of ours did not write."""
