//! Values inside Yjs items: lib0's `any`, and JSON in a string. Checked and skipped, never built.
//!
//! Iterative: the depth of a value costs a small heap stack, bounded by the caller.

use serde::de::IgnoredAny;

use crate::yjs::reader::Reader;
use crate::yjs::scan_error::ScanError;

/// An array or map that is being read.
struct Open {
    remaining: usize,
    has_keys: bool,
}

/// Skips one `any` value.
pub(super) fn skip_any(reader: &mut Reader<'_>, max_nesting: usize) -> Result<(), ScanError> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.byte()? {
            // undefined, null, true, false
            127 | 126 | 121 | 120 => {}
            125 => reader.skip_signed()?,
            124 => drop(reader.take(4)?),
            123 | 122 => drop(reader.take(8)?),
            119 => drop(reader.string()?),
            116 => drop(reader.buffer()?),
            tag @ (118 | 117) => {
                let has_keys = tag == 118;
                let remaining = reader.count(if has_keys { 2 } else { 1 })?;
                if open.len() >= max_nesting {
                    return Err(ScanError::TooLarge { limit: "max_yjs_nesting", max: max_nesting });
                }
                open.push(Open { remaining, has_keys });
            }
            _ => return Err(reader.invalid("a value has an unknown type")),
        }
        loop {
            let Some(innermost) = open.last_mut() else { return Ok(()) };
            if innermost.remaining == 0 {
                open.pop();
                continue;
            }
            innermost.remaining -= 1;
            if innermost.has_keys {
                reader.string()?;
            }
            break;
        }
    }
}

/// Skips one string that holds JSON, and checks that it does.
pub(super) fn skip_json(reader: &mut Reader<'_>, max_nesting: usize) -> Result<(), ScanError> {
    let json = reader.string()?;
    if matches!(json, "null" | "true" | "false") {
        return Ok(());
    }
    if json_depth(json) > max_nesting {
        return Err(ScanError::TooLarge { limit: "max_yjs_nesting", max: max_nesting });
    }
    // serde_json skips an ignored value without recursion and without building it.
    match serde_json::from_str::<IgnoredAny>(json) {
        Ok(IgnoredAny) => Ok(()),
        Err(_) => Err(reader.invalid("an embedded value is not JSON")),
    }
}

/// The depth of nesting of a JSON text (of any text: brackets outside strings are counted).
fn json_depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yjs::reader::put_string;

    fn skipped(bytes: &[u8]) -> Result<usize, ScanError> {
        let mut reader = Reader::new(bytes);
        skip_any(&mut reader, 4)?;
        Ok(reader.offset())
    }

    #[test]
    fn any_values_are_skipped_whole() {
        for value in [
            &[127][..],
            &[126],
            &[120],
            &[125, 0x80 | 63, 1],
            &[124, 0, 0, 0, 0],
            &[123, 0, 0, 0, 0, 0, 0, 0, 0],
            &[122, 0, 0, 0, 0, 0, 0, 0, 1],
            &[119, 2, b'h', b'i'],
            &[116, 3, 0xff, 0, 1],
            &[118, 2, 1, b'a', 117, 2, 126, 117, 0, 1, b'b', 118, 0],
        ] {
            assert_eq!(skipped(value), Ok(value.len()), "{value:?}");
        }
        for bad in
            [&[][..], &[0], &[128], &[119, 2, b'h'], &[119, 1, 0xff], &[117, 9, 126], &[118, 1, 1, b'a'], &[123, 0]]
        {
            assert!(skipped(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn depth_is_capped_without_recursion() {
        let nested = |depth: usize| [[117, 1].repeat(depth), vec![126]].concat();
        assert_eq!(skipped(&nested(4)), Ok(9));
        assert!(matches!(skipped(&nested(5)), Err(ScanError::TooLarge { .. })));
        assert!(matches!(skipped(&nested(30_000)), Err(ScanError::TooLarge { .. })));
        assert!(skip_any(&mut Reader::new(&nested(300_000)), usize::MAX).is_ok());
    }

    #[test]
    fn json_is_checked() {
        let json = |text: &str| {
            let mut bytes = Vec::new();
            put_string(&mut bytes, text);
            skip_json(&mut Reader::new(&bytes), 4)
        };
        // A lone surrogate is no Unicode, but JavaScript writes and reads it.
        for good in ["null", "1.5e3", "\"[[[[[[\"", "{\"a\":[1,{\"b\":null}]}", "\"\\ud83d\"", "[[[[]]]]"] {
            assert_eq!(json(good), Ok(()), "{good}");
        }
        for bad in ["", "nul", "{\"a\"}", "[1,]", "'a'", "undefined", "1 2", "\"a"] {
            assert!(matches!(json(bad), Err(ScanError::Invalid { .. })), "{bad}");
        }
        assert!(matches!(json("[[[[[]]]]]"), Err(ScanError::TooLarge { .. })));
        assert!(matches!(json(&"[".repeat(100_000)), Err(ScanError::TooLarge { .. })));
    }
}
