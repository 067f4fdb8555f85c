//! The server as its clients see it: the real program on real databases, over HTTP.

mod harness;
mod postgres_server;

mod http {
    mod conflicts;
    mod modes;
    mod openapi;
    mod receipts;
    mod yjs_documents;
}
