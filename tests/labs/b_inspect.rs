//! B: inspect.
