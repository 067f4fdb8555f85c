//! The field `data.edits`: finding and replacing pieces of a text.

use serde_json::value::RawValue;

use super::fields::{self, Fault, over_limit, what_is_wrong};
use super::wire::RawEdit;
use crate::domain::limits::Limits;
use crate::domain::replacements::Replacement;

/// Edits of one operation.
const MAX_EDITS: usize = 100;

/// Reads a list of edits. Together they are no longer than a text.
pub(super) fn read_edits(list: &RawValue, limits: &Limits) -> Result<Vec<Replacement>, Fault> {
    const WRONG: &str = "must be a list of edits, each with find and replace, of at least one";
    if !list.get().starts_with('[') {
        return Err(Fault::invalid(WRONG));
    }
    let list: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|error| Fault::invalid(format!("{WRONG} ({error})")))?;
    match list.len() {
        0 => return Err(Fault::invalid(WRONG)),
        1..=MAX_EDITS => {}
        _ => return Err(Fault::invalid(format!("has more than {MAX_EDITS} entries"))),
    }
    let mut edits = Vec::with_capacity(list.len());
    let mut bytes = 0_usize;
    for (place, raw) in list.into_iter().enumerate() {
        let edit = read_edit(raw).map_err(|fault| fault.under(place))?;
        bytes = bytes.saturating_add(edit.find.len()).saturating_add(edit.replace.len());
        if bytes > limits.max_content_bytes {
            return Err(over_limit("max_content_bytes", limits.max_content_bytes, "bytes of UTF-8").under(place));
        }
        edits.push(edit);
    }
    Ok(edits)
}

fn read_edit(raw: &RawValue) -> Result<Replacement, Fault> {
    if !raw.get().starts_with('{') {
        return Err(Fault::invalid("must be an object"));
    }
    let fields = RawEdit::split(raw)
        .map_err(|error| Fault::invalid(format!("has a name that is not Unicode ({})", what_is_wrong(&error))))?;
    let text = |field: Option<&RawValue>, name: &str| match field {
        Some(value) => fields::text(value).map(std::borrow::Cow::into_owned).map_err(|fault| fault.under(name)),
        None => Err(Fault::invalid("is missing").under(name)),
    };
    let find = text(fields.find, "find")?;
    if find.is_empty() {
        return Err(Fault::invalid("must not be empty: an edit needs something to look for").under("find"));
    }
    let replace = text(fields.replace, "replace")?;
    let all = fields.all.map_or(Ok(false), fields::boolean).map_err(|fault| fault.under("all"))?;
    Ok(Replacement { find, replace, all })
}
