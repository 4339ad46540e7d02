//! The page is built by npm before this crate is (`make programs` does both). Without it the crate still compiles,
//! so that `cargo check` needs no Node; it then serves a note that says what to do.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
    if !Path::new("web/dist/index.html").exists() {
        println!(
            "cargo:warning=the page is not built: run `make programs`, or the console shows only a note"
        );
    }
}
