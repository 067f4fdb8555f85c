# The contributor's interface. `just` alone lists what there is.

_default:
    @just --list

# Serve on http://127.0.0.1:7001, data in ./landfall-data
serve *arguments:
    cargo run --release -- serve {{ arguments }}

# Everything that must pass: format, lints, documentation, tests on SQLite and Postgres
test:
    scripts/test

# Lints alone
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Format the code
fmt:
    cargo fmt

# Build the documentation and open it
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --open

# Benchmarks: the whole server beside its yardsticks, on both databases (`just bench --help` tells the options)
bench *arguments:
    cargo bench --locked --profile dist --bench load -- {{ arguments }}

# Fuzz one target (yjs_scan, yjs_merge) for some seconds. Needs a nightly toolchain and cargo-fuzz
fuzz target="yjs_scan" seconds="60":
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }}

# Fuzz the server's reading of Yjs against npm yjs for some seconds; prints the seed and how many mutants were compared
fuzz-yjs seconds="600" seed=`date +%s`:
    FUZZ_YJS_SECONDS={{ seconds }} FUZZ_YJS_SEED={{ seed }} FUZZ_YJS_MUTANTS=1000000000 \
        cargo test --locked --test yjs_differential -- --nocapture

# Kill servers at random moments while editors push or type live, then look for anything lost, doubled or wrong. `only`: sqlite,
# postgres, two_servers or live; each runs so many kills, or so many seconds
torture kills="1000" seconds="3600" only="":
    TORTURE_KILLS={{ kills }} TORTURE_SECONDS={{ seconds }} \
        cargo test --locked --release --test http torture::{{ only }} -- --nocapture --test-threads=1

# Send so many spoiled requests to a server on SQLite and to one on Postgres, and compare their answers; prints the seed
fuzz-requests count="20000" seed=`date +%s`:
    FUZZ_REQUESTS={{ count }} FUZZ_REQUESTS_SEED={{ seed }} \
        cargo test --locked --test http request_fuzz -- --nocapture

# Licences, advisories and sources of the dependencies, and dependencies that nothing uses.
# Needs: cargo install --locked cargo-deny cargo-machete
audit:
    cargo deny check
    cargo machete

# The TypeScript packages and the editor: types, unit tests, and tests in Chromium against the real server
web-test:
    cargo build --locked
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix web
    npm run --prefix web/client check
    npm test --prefix web/client
    npm run --prefix web/react check
    npm test --prefix web/react
    npm run --prefix web/app check
    npm test --prefix web/app
    npm run --prefix web examples
    npm run --prefix web/e2e check
    LANDFALL_BIN="{{ justfile_directory() }}/target/debug/landfall" npm test --prefix web/e2e

# Build the editor into web/dist, which is committed and packed into the binary. Needs Node
web-build:
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix web
    npm run --prefix web/app build

# The editor's pictures in docs/, taken in Chromium from a real run of the release build
screenshots:
    cargo build --release --locked
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix web
    LANDFALL_BIN="{{ justfile_directory() }}/target/release/landfall" npm run --prefix web/e2e pictures

# The editor's figures, measured in Chromium with the release build (`just page-figures --write` puts them into docs/)
page-figures *arguments:
    cargo build --release --locked
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix web
    LANDFALL_BIN="{{ justfile_directory() }}/target/release/landfall" npm run --prefix web/e2e figures -- {{ arguments }}

# From a key in one editor to the text in the other one, in Chromium with the release build
bench-keys *arguments:
    cargo build --release --locked
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix web
    LANDFALL_BIN="{{ justfile_directory() }}/target/release/landfall" npm run --prefix web/e2e keys -- {{ arguments }}

# The tests of openapi.yaml: sound, complete, in step with the server
openapi:
    cargo test --locked --test http openapi

# The terminal picture of the README, recorded from a real run
terminal-picture:
    scripts/terminal-picture

# What is given to others, in target/release-files: a tar file, a Debian package, what is in them, checksums
release:
    scripts/release

# Installs, starts, upgrades and purges that Debian package in a bare Debian 12. Needs root and debootstrap
release-test:
    packaging/try-in-chroot
