"""Benchmarks: termhub side by side with what people use today.

``python -m tests.bench`` starts every peer there is on this machine, runs the same
programs behind each, and measures what a person at the keyboard would notice.  The
peers take turns within each round, so that a busy moment of the machine hits all of
them.  ``docs/performance.md`` says what each figure means.
"""
