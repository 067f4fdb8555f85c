//! How tokens are signed and checked: by `ring`, which TLS brings in anyway, for the algorithms that are accepted here.
//! `jsonwebtoken` knows the formats and calls this for the cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::error::Unspecified;
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

/// Only HS256 is signed, with the server's own secret. Keys are read from JSON Web Keys by `jsonwebtoken` itself, so the
/// utilities that read other formats are left out.
#[cfg(not(test))]
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
};

/// In unit tests another library signs what is checked here, as an identity provider does.
#[cfg(test)]
static PROVIDER: std::sync::LazyLock<CryptoProvider> = std::sync::LazyLock::new(|| CryptoProvider {
    signer_factory: tests::sign_with_another_library,
    verifier_factory: verifier,
    ..jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.clone()
});

/// Makes `jsonwebtoken` use this module in the whole process. Must come before it signs or checks anything.
pub fn install() {
    // The first call wins, and every call is the same.
    let _already = CryptoProvider::install_default(&PROVIDER);
}

struct Hs256(hmac::Key);

/// A key and the one algorithm that it is used with.
struct PublicKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))))
        }
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let family = match algorithm {
        Algorithm::HS256 => {
            if key.family() != AlgorithmFamily::Hmac {
                return Err(ErrorKind::InvalidKeyFormat.into());
            }
            return Ok(Box::new(Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?))));
        }
        Algorithm::RS256 => AlgorithmFamily::Rsa,
        Algorithm::ES256 => AlgorithmFamily::Ec,
        Algorithm::EdDSA => AlgorithmFamily::Ed,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    if key.family() != family {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(PublicKey { key: key.clone(), algorithm: *algorithm }))
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(wrong)
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let outcome = match (self.algorithm, self.key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                // ring wants numbers without zeros in front, which RFC 7518 forbids and some providers send.
                let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            _ => return Err(SignatureError::new()),
        };
        outcome.map_err(wrong)
    }
}

impl JwtVerifier for PublicKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// ring says no more than that; whoever asks needs no more.
fn wrong(unspecified: Unspecified) -> SignatureError {
    SignatureError::from_source(unspecified.to_string())
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::rust_crypto;
    use jsonwebtoken::jwk::Jwk;

    use super::*;
    use crate::auth::test_keys::{self, jwk_of};

    const MESSAGE: &[u8] = b"header.claims";

    pub fn sign_with_another_library(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
        (rust_crypto::DEFAULT_PROVIDER.signer_factory)(algorithm, key)
    }

    fn sign(algorithm: Algorithm, key: &EncodingKey) -> Vec<u8> {
        sign_with_another_library(&algorithm, key).unwrap().try_sign(MESSAGE).unwrap()
    }

    fn is_good(algorithm: Algorithm, key: &DecodingKey, message: &[u8], signature: &[u8]) -> bool {
        verifier(&algorithm, key).unwrap().verify(message, &signature.to_vec()).is_ok()
    }

    #[test]
    fn signatures_of_each_algorithm_are_checked() {
        let keys = [
            (Algorithm::RS256, test_keys::rsa()),
            (Algorithm::ES256, test_keys::ec()),
            (Algorithm::EdDSA, test_keys::ed()),
        ];
        for (algorithm, signing) in &keys {
            let jwk: Jwk = serde_json::from_value(jwk_of(signing, *algorithm, "k")).unwrap();
            let key = DecodingKey::from_jwk(&jwk).unwrap();
            let mut signature = sign(*algorithm, signing);
            assert!(is_good(*algorithm, &key, MESSAGE, &signature), "{algorithm:?}");
            assert!(!is_good(*algorithm, &key, b"header.others", &signature), "{algorithm:?}");
            for wrong in keys.iter().map(|(other, _)| other).filter(|other| *other != algorithm) {
                assert!(verifier(wrong, &key).is_err(), "{algorithm:?} as {wrong:?}");
            }
            signature[7] ^= 1;
            assert!(!is_good(*algorithm, &key, MESSAGE, &signature), "{algorithm:?}");
            assert!(!is_good(*algorithm, &key, MESSAGE, &[]), "{algorithm:?}");
        }
    }

    #[test]
    fn a_modulus_may_begin_with_zeros() {
        let jwk = jwk_of(&test_keys::rsa(), Algorithm::RS256, "k");
        let part = |name: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap()
        };
        let padded = [vec![0], part("n")].concat();
        let key = DecodingKey::from_rsa_raw_components(&padded, &part("e"));
        assert!(is_good(Algorithm::RS256, &key, MESSAGE, &sign(Algorithm::RS256, &test_keys::rsa())));
    }

    #[test]
    fn own_signatures_are_those_of_another_library() {
        let secret = EncodingKey::from_secret(&[7; 32]);
        let own = signer(&Algorithm::HS256, &secret).unwrap().try_sign(MESSAGE).unwrap();
        assert_eq!(own, sign(Algorithm::HS256, &secret));
        assert!(is_good(Algorithm::HS256, &DecodingKey::from_secret(&[7; 32]), MESSAGE, &own));
        assert!(!is_good(Algorithm::HS256, &DecodingKey::from_secret(&[8; 32]), MESSAGE, &own));
    }

    #[test]
    fn other_algorithms_are_refused() {
        for algorithm in [Algorithm::HS384, Algorithm::HS512, Algorithm::RS512, Algorithm::PS256, Algorithm::ES384] {
            assert!(verifier(&algorithm, &DecodingKey::from_secret(&[7; 64])).is_err(), "{algorithm:?}");
            assert!(signer(&algorithm, &EncodingKey::from_secret(&[7; 64])).is_err(), "{algorithm:?}");
        }
        assert!(signer(&Algorithm::RS256, &test_keys::rsa()).is_err());
    }
}
