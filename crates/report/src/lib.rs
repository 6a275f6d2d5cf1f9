//! Reports as table and JSON.
