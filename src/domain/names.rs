//! What people may call a workspace or a token of one.

/// Characters of a name.
const MAX_CHARS: usize = 200;

/// Whether something may have this name.
///
/// # Errors
/// The rule, to be read after the name of the field.
pub fn check(name: &str) -> Result<(), String> {
    let is_fit = !name.trim().is_empty() && name.chars().count() <= MAX_CHARS && !name.chars().any(char::is_control);
    if is_fit {
        Ok(())
    } else {
        Err(format!("must have 1 to {MAX_CHARS} characters, not all blank and no control characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_read() {
        for name in ["a", "Ship's log", &"\u{6f22}".repeat(200)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["", "  ", "a\nb", "\u{1b}[31m", "\u{85}", &"x".repeat(201)] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
