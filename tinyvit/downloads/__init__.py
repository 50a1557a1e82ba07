"""Files from the network: where they are kept, and how one that arrives in parts becomes whole."""
