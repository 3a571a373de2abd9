"""Training jobs: asked for over HTTP, run one at a time in processes of their own by the supervisor of the workers."""
