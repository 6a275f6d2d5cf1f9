//! SPDX and CycloneDX documents from an Inventory.
