//! From a Dockerfile and a context to an image: stage graph, cache keys, layers.
