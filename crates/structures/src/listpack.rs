//! Listpacks.
