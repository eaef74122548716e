"""Speed of the suite against its peers, side by side in one run."""
