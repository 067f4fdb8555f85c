//! Empty: this package is there for the sources of its dependency.
