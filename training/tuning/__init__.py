"""Search for the settings of a training run: trials by Optuna, their folds on Dask, each tracked in MLflow."""
