//! No code: what this crate asks of third-party crates, every function is built with. `make features` writes its
//! manifest; `make lint` holds that a function alone compiles what the whole workspace compiles.
