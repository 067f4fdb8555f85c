//! Key pairs made for these tests alone; nothing trusts them.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::auth::signatures;

/// RSA, 2048 bits.
pub fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("rsa2048.pem")).unwrap()
}

/// NIST P-256.
pub fn ec() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("p256.pem")).unwrap()
}

/// Ed25519.
pub fn ed() -> EncodingKey {
    EncodingKey::from_ed_pem(include_bytes!("ed25519.pem")).unwrap()
}

/// The public half, as a key set holds it.
pub fn jwk_of(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    signatures::install();
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(kid);
    jwk
}
