//! Updates made by hand: the shapes that no editor makes, or not in such numbers.

/// Writes lib0's unsigned number.
pub fn number(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}

fn string(text: &str) -> Vec<u8> {
    [number(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// An update of sections `(client, first clock, structs)` and deletions `(client, clock, length)`.
pub fn update(sections: &[(u64, u64, Vec<Vec<u8>>)], deletions: &[(u64, u64, u64)]) -> Vec<u8> {
    let mut out = number(sections.len() as u64);
    for (client, clock, structs) in sections {
        for head in [structs.len() as u64, *client, *clock] {
            out.extend(number(head));
        }
        out.extend(structs.concat());
    }
    out.extend(number(deletions.len() as u64));
    for (client, clock, length) in deletions {
        for head in [*client, 1, *clock, *length] {
            out.extend(number(head));
        }
    }
    out
}

/// The first item of a root; `content` starts with the item's kind.
pub fn in_root(root: &str, content: &[u8]) -> Vec<u8> {
    [&content[..1], &[1], &string(root), &content[1..]].concat()
}

/// An entry of a map that is a root.
pub fn in_map(root: &str, key: &str, content: &[u8]) -> Vec<u8> {
    [&[content[0] | 0x20, 1][..], &string(root), &string(key), &content[1..]].concat()
}

/// The first item of a nested type.
pub fn in_item((client, clock): (u64, u64), content: &[u8]) -> Vec<u8> {
    [&content[..1], &[0], &number(client), &number(clock), &content[1..]].concat()
}

/// An item between two others.
pub fn between(left: (u64, u64), right: (u64, u64), content: &[u8]) -> Vec<u8> {
    let ids = [left.0, left.1, right.0, right.1].map(number).concat();
    [&[content[0] | 0xc0][..], &ids, &content[1..]].concat()
}

/// An item behind another.
pub fn behind((client, clock): (u64, u64), content: &[u8]) -> Vec<u8> {
    [&[content[0] | 0x80][..], &number(client), &number(clock), &content[1..]].concat()
}

/// An item before another, without one on its left.
pub fn before((client, clock): (u64, u64), content: &[u8]) -> Vec<u8> {
    [&[content[0] | 0x40][..], &number(client), &number(clock), &content[1..]].concat()
}

/// Text, as an item's content.
pub fn text(text: &str) -> Vec<u8> {
    [vec![4], string(text)].concat()
}

/// A nested list, as an item's content.
pub fn list() -> Vec<u8> {
    vec![7, 0]
}

/// An XML element, as an item's content.
pub fn element(name: &str) -> Vec<u8> {
    [vec![7, 3], string(name)].concat()
}
