"""The HTTP service: what a request may be, how it is answered, and the processes that answer it.

Importing this package imports nothing heavy; `superion.serving.service` is the BentoML service.
"""
