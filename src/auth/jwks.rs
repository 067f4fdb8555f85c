//! Public keys of an outside identity provider (RFC 7517), each pinned to one algorithm.
//!
//! The algorithm is a property of the key, never of the token: so a token cannot choose `none`, nor have an RSA key
//! read as an HMAC secret (RFC 8725 §3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Keys of a set that are read; more are no provider's.
const MAX_KEYS: usize = 100;
/// NIST SP 800-131A: no shorter RSA modulus.
const MIN_RSA_BITS: usize = 2048;
/// Longer moduli only cost time.
const MAX_RSA_BITS: usize = 8192;

/// Why a key set cannot be used.
#[derive(Debug, Error)]
pub enum JwksError {
    /// It is no JSON of that shape.
    #[error("not a JSON Web Key Set: {0}")]
    Malformed(#[from] serde_json::Error),
    /// No key in it is of use.
    #[error("no usable key among {0}: RS256 (2048 bits or more), ES256 or EdDSA signing keys are needed")]
    NoUsableKey(usize),
}

/// A key that checks signatures of one algorithm.
#[derive(Clone, Debug)]
pub struct PinnedKey {
    /// The name that tokens call it by.
    pub kid: Option<String>,
    /// The only algorithm that it checks.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// A provider's keys.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<PinnedKey>,
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys of other kinds, for other uses or too weak are left out.
    ///
    /// # Errors
    /// `Malformed`; `NoUsableKey` if nothing is left.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        let raw: RawSet = serde_json::from_slice(json)?;
        let found = raw.keys.len();
        let keys: Vec<PinnedKey> = raw.keys.into_iter().take(MAX_KEYS).filter_map(usable_key).collect();
        if keys.is_empty() { Err(JwksError::NoUsableKey(found)) } else { Ok(Self { keys }) }
    }

    /// The key for a token that names `kid` (or none: then only if no other key fits) and `algorithm`.
    #[must_use]
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&PinnedKey> {
        let mut fitting = self.keys.iter().filter(|key| match kid {
            Some(kid) => key.kid.as_deref() == Some(kid) && key.algorithm == algorithm,
            None => key.algorithm == algorithm,
        });
        let first = fitting.next()?;
        if kid.is_none() && fitting.next().is_some() { None } else { Some(first) }
    }

    /// How many keys are of use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: a set without keys is not made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

fn usable_key(raw: Value) -> Option<PinnedKey> {
    // A provider's set may hold keys of kinds that the library does not know; they are not ours to judge.
    let jwk: Jwk = serde_json::from_value(raw).ok()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = pinned_algorithm(&jwk)?;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(PinnedKey { kid: jwk.common.key_id, algorithm, key })
}

fn pinned_algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if has_sound_modulus(&rsa.n) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        // Symmetric keys have no place in a public set, and other kinds no algorithm here.
        _ => return None,
    };
    (jwk.common.key_algorithm.is_none() || jwk.common.key_algorithm == Some(name)).then_some(algorithm)
}

fn has_sound_modulus(base64url: &str) -> bool {
    URL_SAFE_NO_PAD.decode(base64url).is_ok_and(|modulus| {
        let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
        (MIN_RSA_BITS / 8..=MAX_RSA_BITS / 8).contains(&bytes)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::test_keys::{self, jwk_of};

    fn parse(keys: &[Value]) -> Result<KeySet, JwksError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn each_kind_of_key_is_pinned_to_its_algorithm() {
        let set = parse(&[
            jwk_of(&test_keys::rsa(), Algorithm::RS256, "r"),
            jwk_of(&test_keys::ec(), Algorithm::ES256, "e"),
            jwk_of(&test_keys::ed(), Algorithm::EdDSA, "d"),
        ])
        .unwrap();
        assert_eq!(set.len(), 3);
        assert!(set.find(Some("r"), Algorithm::RS256).is_some());
        assert!(set.find(Some("e"), Algorithm::ES256).is_some());
        assert!(set.find(Some("d"), Algorithm::EdDSA).is_some());
        for wrong in [Algorithm::HS256, Algorithm::RS384, Algorithm::PS256, Algorithm::ES256] {
            assert!(set.find(Some("r"), wrong).is_none(), "{wrong:?}");
        }
        assert!(set.find(Some("x"), Algorithm::RS256).is_none());
    }

    #[test]
    fn a_token_without_kid_fits_only_where_there_is_no_choice() {
        let rsa = jwk_of(&test_keys::rsa(), Algorithm::RS256, "r");
        let set = parse(&[rsa.clone(), jwk_of(&test_keys::ec(), Algorithm::ES256, "e")]).unwrap();
        assert!(set.find(None, Algorithm::RS256).is_some());
        let set = parse(&[rsa.clone(), rsa]).unwrap();
        assert!(set.find(None, Algorithm::RS256).is_none());
    }

    #[test]
    fn unusable_keys_are_left_out() {
        let mut encrypting = jwk_of(&test_keys::rsa(), Algorithm::RS256, "enc");
        encrypting["use"] = json!("enc");
        let mut stronger = jwk_of(&test_keys::rsa(), Algorithm::RS256, "rs512");
        stronger["alg"] = json!("RS512");
        let weak = json!({ "kty": "RSA", "kid": "weak", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB" });
        let secret = json!({ "kty": "oct", "kid": "hmac", "k": "c2VjcmV0", "alg": "HS256" });
        let strange = json!({ "kty": "PQC", "kid": "new" });
        let error = parse(&[encrypting, stronger, weak, secret, strange]).unwrap_err();
        assert!(matches!(error, JwksError::NoUsableKey(5)), "{error}");
    }

    #[test]
    fn noise_is_no_key_set() {
        for noise in ["", "[]", "{}", "{\"keys\": 1}", "<html>"] {
            assert!(matches!(KeySet::parse(noise.as_bytes()), Err(JwksError::Malformed(_))), "{noise}");
        }
    }
}
