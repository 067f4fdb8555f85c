//! Find and replace in a text (protocol §1.10).

use crate::domain::line_diff::Budget;

/// One edit: a piece of the text, and what stands there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// What is looked for; never empty.
    pub find: String,
    /// What comes in its place.
    pub replace: String,
    /// Every place, where there may be several.
    pub all: bool,
}

/// Why edits were not made. Places are counted from 0, in the list of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceError {
    /// What this edit looks for is not there.
    NotFound {
        /// Which edit.
        edit: usize,
    },
    /// What this edit looks for is at several places.
    Ambiguous {
        /// Which edit.
        edit: usize,
        /// How many places, none of them inside another.
        places: usize,
    },
    /// The text would be longer than a text may be.
    TooLong,
    /// The budget does not reach.
    TooMuch,
}

/// Bytes of text that are searched for one step of the budget.
const BYTES_PER_STEP: usize = 16;

/// Makes the edits one after the other, each of what those before it left. The text is at most `max_bytes` long in between,
/// too.
///
/// # Errors
/// See [`ReplaceError`].
pub fn replace_in(
    text: &str,
    edits: &[Replacement],
    max_bytes: usize,
    budget: &mut Budget,
) -> Result<String, ReplaceError> {
    let mut text = text.to_owned();
    for (edit, Replacement { find, replace, all }) in edits.iter().enumerate() {
        if !budget.spend(text.len() / BYTES_PER_STEP + 1) {
            return Err(ReplaceError::TooMuch);
        }
        let places = text.matches(find.as_str()).count();
        match places {
            0 => return Err(ReplaceError::NotFound { edit }),
            _ if *all => {}
            1 if !overlaps_itself(&text, find) => {}
            places => return Err(ReplaceError::Ambiguous { edit, places: places.max(2) }),
        }
        let grown = replace.len().saturating_mul(places);
        if (text.len() - find.len().saturating_mul(places)).saturating_add(grown) > max_bytes {
            return Err(ReplaceError::TooLong);
        }
        text = text.replace(find.as_str(), replace);
    }
    Ok(text)
}

/// Whether what was found once is there once more, partly over itself: "aa" in "aaa".
fn overlaps_itself(text: &str, find: &str) -> bool {
    let behind_start = || {
        let start = text.find(find)?;
        let step = find.chars().next()?.len_utf8();
        text.get(start + step..)
    };
    behind_start().is_some_and(|rest| rest.contains(find))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit(find: &str, replace: &str, all: bool) -> Replacement {
        Replacement { find: find.to_owned(), replace: replace.to_owned(), all }
    }

    fn made(text: &str, edits: &[Replacement]) -> Result<String, ReplaceError> {
        replace_in(text, edits, 100, &mut Budget::of(1_000))
    }

    #[test]
    fn edits_are_made_in_order() {
        assert_eq!(made("one two", &[edit("one", "two", false)]), Ok("two two".to_owned()));
        assert_eq!(made("one two", &[edit("one", "1", false), edit("1 t", "T", false)]), Ok("Two".to_owned()));
        assert_eq!(made("a-a-a", &[edit("a", "bb", true)]), Ok("bb-bb-bb".to_owned()));
        assert_eq!(made("é😀é", &[edit("😀", "", false)]), Ok("éé".to_owned()));
        assert_eq!(made("x", &[]), Ok("x".to_owned()));
    }

    #[test]
    fn what_is_not_there_once_is_told() {
        assert_eq!(made("one", &[edit("two", "", false)]), Err(ReplaceError::NotFound { edit: 0 }));
        assert_eq!(made("one", &[edit("two", "", true)]), Err(ReplaceError::NotFound { edit: 0 }));
        let second = [edit("b", "aa", false), edit("a", "", false)];
        assert_eq!(made("ab", &second), Err(ReplaceError::Ambiguous { edit: 1, places: 3 }));
        assert_eq!(made("aaa", &[edit("aa", "", false)]), Err(ReplaceError::Ambiguous { edit: 0, places: 2 }));
    }

    #[test]
    fn size_and_work_are_bounded() {
        let text = "a".repeat(90);
        assert_eq!(made(&text, &[edit("a", "bb", true)]), Err(ReplaceError::TooLong));
        let mut little = Budget::of(10);
        let edits = [edit("x", "y", false), edit("y", "x", false)];
        assert_eq!(replace_in(&format!("{text}x"), &edits, 100, &mut little), Err(ReplaceError::TooMuch));
    }

    proptest! {
        /// An edit of one place is the text before it, the replacement, and the text behind it.
        #[test]
        fn an_edit_is_what_it_says(before in "[ab]{0,9}", after in "[ab]{0,9}", replace in "[abx]{0,5}") {
            let text = format!("{before}X{after}");
            prop_assert_eq!(made(&text, &[edit("X", &replace, false)]), Ok(format!("{before}{replace}{after}")));
        }

        /// Edits of different lines come to the same in either order.
        #[test]
        fn edits_of_different_lines_commute(one in "[ab\n]{0,9}", other in "[ab\n]{0,9}", text in "[ab\n]{0,9}") {
            let text = format!("X\n{text}\nY");
            let (first, second) = (edit("X", &one, false), edit("Y", &other, false));
            prop_assert_eq!(made(&text, &[first.clone(), second.clone()]), made(&text, &[second, first]));
        }
    }
}
