"""The sources that are polled: how each is doing, and the state of its pages."""
