//! Attacks that once worked. Each test failed before the fix of the hole that it uses.

mod api;
mod credentials;
mod echo;
mod links;
mod settings;
