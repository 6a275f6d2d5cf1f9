//! One file a page: from what is known to markup. None asks anybody anything.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod chart;
pub(crate) mod findings;
pub(crate) mod image;
pub(crate) mod layers;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod packages;
pub(crate) mod people;
pub(crate) mod repositories;
pub(crate) mod repository;
pub(crate) mod storage;
pub(crate) mod trust;
