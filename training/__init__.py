"""The training of the models that the service runs."""
