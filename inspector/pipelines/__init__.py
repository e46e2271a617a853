"""Request in, result out: the only entry points that run a model."""
