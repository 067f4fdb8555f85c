//! Nothing but OpenSSL itself, which the build script links.
