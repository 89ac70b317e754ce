"""Python runtimes and how they are found."""
