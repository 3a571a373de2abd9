"""Campaigns replayed on measured data, beside other ways to choose."""
