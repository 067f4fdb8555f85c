//! A yardstick: an actix handler that parses a batch to plain structs and answers, and does nothing else.
//!
//! Runs as a process of its own, so that its processor time is measured as the server's is.

use std::path::Path;
use std::process::Command;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Deserialize;

use crate::Outcome;
use crate::server::Process;

/// The argument that makes this program serve.
pub const COMMAND: &str = "parse-only-server";

const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A batch as plain structs, with a string for each field.
#[derive(Deserialize)]
#[expect(dead_code, reason = "parsing them is the work")]
pub struct Request {
    workspace_id: String,
    device_id: Option<String>,
    operations: Vec<Operation>,
}

impl Request {
    /// How many operations it has.
    pub fn operations(&self) -> usize {
        self.operations.len()
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsing them is the work")]
struct Operation {
    operation: String,
    client_id: String,
    document_id: Option<String>,
    base_version: Option<i64>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsing them is the work")]
struct Data {
    title: Option<String>,
    content: Option<String>,
    yjs_state_b64: Option<String>,
}

/// Starts the yardstick as another process.
pub fn start(directory: &Path) -> Outcome<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(COMMAND);
    Process::start(&mut command, &directory.join("parse-only.log"))
}

/// Serves until the process is ended.
pub fn serve() -> Outcome<()> {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| {
            App::new()
                .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
                .route("/api/v1/documents/batch", web::post().to(parse))
        })
        .bind("127.0.0.1:0")?;
        for address in server.addrs() {
            println!("listening on http://{address}");
        }
        server.run().await?;
        Ok(())
    })
}

async fn parse(body: web::Bytes) -> HttpResponse {
    match serde_json::from_slice::<Request>(&body) {
        Ok(request) => {
            let total = request.operations();
            HttpResponse::Ok()
                .content_type("application/json")
                .body(format!(r#"{{"total":{total},"successful":{total}}}"#))
        }
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}
