"""An audit of training data: which rows would teach a model something wrong."""
