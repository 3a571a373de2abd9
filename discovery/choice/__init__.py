"""The next batch: what is believed of the candidates, and which of them are worth most."""
