#!/bin/sh
# Fuzzes one target for some seconds (60 if not said), with the stable toolchain. SANITIZER=none builds and
# runs faster: the engine itself has no unsafe code, but the C libraries are then not watched.
set -eu
cd "$(dirname "$0")"
target=${1:?one of: lines values delimited gzip codecs splice parquet avro events subjects}
seconds=${2:-60}
host=$(rustc -vV | sed -n 's/^host: //p')

# The flags that cargo-fuzz passes. RUSTC_BOOTSTRAP makes the stable compiler accept the sanitizer flag.
export RUSTC_BOOTSTRAP=1
sanitizer=${SANITIZER:-address}
[ "$sanitizer" = none ] && sanitizer= || sanitizer="-Zsanitizer=$sanitizer"
export RUSTFLAGS="--cfg fuzzing $sanitizer -Ccodegen-units=1 -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table"
cargo build --release --target "$host" --bin "$target"

mkdir -p "corpus/$target"
directory=${CARGO_TARGET_DIR:-target}
exec "$directory/$host/release/$target" "corpus/$target" \
    -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1
