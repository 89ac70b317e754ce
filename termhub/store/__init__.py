"""Where the hub keeps what must outlive it."""
