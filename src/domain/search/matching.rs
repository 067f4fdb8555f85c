//! Whether a document answers a query, and the part of its text that shows it.

use std::ops::Range;

use super::pieces::{Piece, pieces};
use super::query::{Query, Unit};
use super::searched;

/// Bytes of a snippet, about: it begins and ends between words where it can.
const SNIPPET_BYTES: usize = 240;
/// Bytes of it before the first match.
const LEAD_BYTES: usize = 48;
/// Matches of one unit that are looked at.
const MAX_MATCHES: usize = 200;

/// A stretch of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The text, as it is in the document.
    pub text: String,
    /// Whether it was searched for.
    pub is_match: bool,
}

/// A snippet of the document's text, if the document answers the query. `None` for `text`: it is not known, and the document
/// is taken to answer.
#[must_use]
pub fn snippet_of(query: &Query, title: &str, text: Option<&str>) -> Option<Vec<Stretch>> {
    let is_known = text.is_some();
    let text = searched(text.unwrap_or_default());
    let (of_title, of_text): (Vec<_>, Vec<_>) = (pieces(title).collect(), pieces(text).collect());
    let is_in = |unit: &Unit, pieces: &[Piece<'_>]| places(unit, pieces).next().is_some();
    if query.unwanted.iter().any(|unit| is_in(unit, &of_title) || is_in(unit, &of_text)) {
        return None;
    }
    if is_known && !query.wanted.iter().all(|unit| is_in(unit, &of_text) || is_in(unit, &of_title)) {
        return None;
    }
    let mut matches: Vec<(Range<usize>, usize)> = Vec::new();
    for (number, unit) in query.wanted.iter().enumerate() {
        matches.extend(places(unit, &of_text).take(MAX_MATCHES).map(|place| (place, number)));
    }
    matches.sort_by_key(|(place, _)| (place.start, place.end));
    let window = window(text, &of_text, &matches);
    Some(stretches(text, window, &matches))
}

/// Where a unit stands.
fn places<'a>(unit: &'a Unit, pieces: &'a [Piece<'_>]) -> impl Iterator<Item = Range<usize>> + 'a {
    pieces.windows(unit.parts.len().max(1)).filter_map(move |run| {
        let fits = |(at, piece): (usize, &Piece<'_>)| {
            let Some(part) = unit.parts.get(at) else { return false };
            let follows = !part.follows
                || !part.is_sign
                || at
                    .checked_sub(1)
                    .and_then(|before| run.get(before))
                    .is_none_or(|before| !before.is_sign || piece.follows(before));
            follows
                && match unit.is_prefix(at) {
                    true => !piece.is_sign && piece.folded.starts_with(&part.folded),
                    false => piece.folded == part.folded,
                }
        };
        let stands = run.iter().enumerate().all(fits);
        let (first, last) = (run.first()?, run.last()?);
        stands.then_some(first.place.start..last.place.end)
    })
}

/// The part of the text that shows most of what was searched for, the first such.
fn window(text: &str, pieces: &[Piece<'_>], matches: &[(Range<usize>, usize)]) -> Range<usize> {
    let within = SNIPPET_BYTES - LEAD_BYTES;
    let (mut best, mut start) = (0, None);
    for (at, (place, _)) in matches.iter().enumerate() {
        let later = matches.iter().skip(at).take_while(|(other, _)| other.end <= place.start + within);
        let mut units: Vec<usize> = later.map(|(_, unit)| *unit).collect();
        units.sort_unstable();
        units.dedup();
        if start.is_none() || units.len() > best {
            (best, start) = (units.len(), Some(place.start));
        }
    }
    let begin = start.map_or(0, |start| start.saturating_sub(LEAD_BYTES));
    // Between two pieces, so that no word is cut; a long piece is.
    let first = pieces.get(pieces.partition_point(|piece| piece.place.start < begin));
    let begin = match first {
        _ if begin == 0 => 0,
        Some(piece) => piece.place.start.min(start.unwrap_or_default()),
        None => boundary_before(text, begin),
    };
    let end = (begin + SNIPPET_BYTES).min(text.len());
    let last = pieces.get(..pieces.partition_point(|piece| piece.place.end <= end)).and_then(<[_]>::last);
    let end = match last {
        _ if end == text.len() => end,
        Some(piece) if piece.place.end > start.unwrap_or(begin) => piece.place.end,
        _ => boundary_before(text, end),
    };
    begin..end
}

fn boundary_before(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn stretches(text: &str, window: Range<usize>, matches: &[(Range<usize>, usize)]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut add = |place: Range<usize>, is_match| {
        let text = text.get(place).unwrap_or_default();
        if !text.is_empty() {
            stretches.push(Stretch { text: text.to_owned(), is_match });
        }
    };
    let mut at = window.start;
    for (place, _) in matches {
        let (start, end) = (place.start.max(at), place.end.min(window.end));
        if start < end {
            add(at..start, false);
            add(start..end, true);
            at = end;
        }
    }
    add(at..window.end, false);
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The snippet with `[` and `]` around what was searched for.
    fn found(query: &str, title: &str, text: &str) -> Option<String> {
        let shown = snippet_of(&Query::parse(query), title, Some(text))?;
        let show = |stretch: Stretch| if stretch.is_match { format!("[{}]", stretch.text) } else { stretch.text };
        Some(shown.into_iter().map(show).collect())
    }

    #[test]
    fn what_answers_a_query_is_marked() {
        for (query, text, shown) in [
            ("cafe", "Das Café-Haus", "Das [Café]-Haus"),
            ("haus das", "Das Café-Haus", "[Das] Café-[Haus]"),
            ("hau", "das Haus", "das [Haus]"),
            ("\"cafe haus\"", "Das Café-Haus", "Das [Café-Haus]"),
            ("東京", "大東京都", "大[東京]都"),
            ("京", "大東京都", "大東[京]都"),
            ("iphone手", "新iPhone手机", "新[iPhone手]机"),
            ("title", "only there", "only there"),
        ] {
            assert_eq!(found(query, "The title", text).as_deref(), Some(shown), "{query}");
        }
    }

    #[test]
    fn what_does_not_answer_is_left_out() {
        for query in ["other", "\"haus cafe\"", "das -cafe", "ha", "\"da\"", "東都", "das -title", "\"das title\""] {
            assert_eq!(found(query, "The title", "Das Café-Haus 東京都"), None, "{query}");
        }
        assert!(snippet_of(&Query::parse("gone"), "Title", None).is_some_and(|shown| shown.is_empty()));
        assert!(snippet_of(&Query::parse("gone -title"), "Title", None).is_none());
    }

    #[test]
    fn a_snippet_shows_the_best_part() {
        let text = format!("{} one {} one two {}", "lead ".repeat(100), "fill ".repeat(100), "tail ".repeat(100));
        let shown = found("one two", "", &text).unwrap();
        assert!(shown.contains("[one] [two]") && shown.starts_with("fill ") && shown.ends_with("tail"), "{shown}");
        assert!(shown.len() < SNIPPET_BYTES + 10, "{shown}");
        // A word of any length, and marks that are cut by the end.
        let long = format!("{}é", "x".repeat(1_000));
        assert_eq!(found("xxx", "", &long).unwrap().len(), SNIPPET_BYTES + 2);
    }

    proptest::proptest! {
        #[test]
        fn a_snippet_is_a_part_of_the_text(text in "[a-c é東京🚀\\n]{0,400}", query in "[a-c é東京\" -]{0,12}") {
            let query = Query::parse(&query);
            if let Some(shown) = snippet_of(&query, "", Some(&text)) {
                let whole: String = shown.iter().map(|stretch| stretch.text.as_str()).collect();
                assert!(text.contains(&whole));
                assert!(query.wanted.is_empty() || shown.iter().any(|stretch| stretch.is_match), "{shown:?}");
            }
        }
    }
}
