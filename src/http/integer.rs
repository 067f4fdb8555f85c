//! Integers of JSON bodies. RFC 8259 knows numbers only, and JSON Schema calls 1.0 an integer: some encoders write every
//! number so.

use serde::de::{Deserialize, Deserializer, Error};

/// From here on neighbouring integers are the same float (2^53).
const INEXACT_FROM: f64 = 9_007_199_254_740_992.0;

/// The integer that the text of a JSON number stands for, however it is written: `1`, `1.0`, `1e0`.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| of_float(serde_json::from_str(text).ok()?))
}

/// The integer that a float is, if it is one and exact.
fn of_float(number: f64) -> Option<i64> {
    let is_exact = number.fract() == 0.0 && number.abs() < INEXACT_FROM;
    // A float of this size without a fraction is written as its digits; there is no conversion that could fail instead.
    is_exact.then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// For serde's `deserialize_with`.
///
/// # Errors
/// It is no number, has a fraction, or is out of range.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let integer = number.as_i64().or_else(|| of_float(number.as_f64()?));
    integer.ok_or_else(|| D::Error::custom("expected an integer"))
}

/// For serde's `deserialize_with` and `default`: `null` is none.
///
/// # Errors
/// As [`deserialize`].
pub fn deserialize_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    deserialize(number).map(Some).map_err(|_no_integer: serde_json::Error| D::Error::custom("expected an integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_may_be_written_as_a_float() {
        for (text, integer) in [
            ("1", 1),
            ("1.0", 1),
            ("-0.0", 0),
            ("1e2", 100),
            ("1.5e1", 15),
            ("9007199254740991.0", 9_007_199_254_740_991),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse(text), Some(integer), "{text}");
            assert_eq!(deserialize(&mut serde_json::Deserializer::from_str(text)).ok(), Some(integer), "{text}");
        }
    }

    #[test]
    fn what_is_no_exact_integer_is_none() {
        for text in ["1.5", "1e-1", "9007199254740992.0", "9223372036854775808", "1e400", "\"1\"", "true", "null", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
        let optional = |text| deserialize_optional(&mut serde_json::Deserializer::from_str(text)).ok();
        assert_eq!(
            (optional("null"), optional("2.0"), optional("2.5"), optional("[]")),
            (Some(None), Some(Some(2)), None, None)
        );
    }
}
