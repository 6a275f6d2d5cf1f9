//! Advisory feeds and their lookup.
