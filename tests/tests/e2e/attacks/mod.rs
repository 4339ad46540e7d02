//! Attacks that once succeeded against a running stack, and do no longer.

mod credentials;
