//! What is inside an image: one cataloger per package database.
