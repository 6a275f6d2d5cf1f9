//! Matches an Inventory against advisories.
