"""What the service does besides answering: data sets, training jobs, versions of the model, and the page at `/`."""
