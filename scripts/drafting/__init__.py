"""The parts of `bench_drafts.py`: what is planted in drafts, and what is measured of it."""
