"""Memory, processes, CPU and disk limits, and usage read back."""
