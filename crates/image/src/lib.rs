//! Image sources and the merged file tree with the layer each file comes from.
