//! Updates changed where it may hurt: in their names, places, kinds and lengths.

use std::collections::BTreeMap;

use crate::yjs_support::model::{Content, Id, Parent, Section, Struct, Update};

/// Random numbers, the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// What mutants may name: the clocks that are known of each client, and names that are in use.
pub struct World {
    pub known: BTreeMap<u64, u64>,
    /// Names at which something is worth naming: types, ends of structs, deleted or collected clocks.
    pub sights: Vec<Id>,
    pub roots: Vec<String>,
}

impl World {
    pub fn of(updates: &[Update]) -> Self {
        let mut world = Self { known: BTreeMap::new(), sights: Vec::new(), roots: vec!["content".to_owned()] };
        updates.iter().for_each(|update| world.learn(update));
        world
    }

    pub fn learn(&mut self, update: &Update) {
        for (client, _, end) in update.spans() {
            let known = self.known.entry(client).or_insert(0);
            *known = end.max(*known);
        }
        for section in &update.sections {
            let mut clock = section.clock;
            for item in &section.structs {
                self.sights.push((section.client, clock));
                clock += item.content.length();
                self.sights.push((section.client, clock - 1));
                if let Some(Parent::Root(name)) = &item.parent
                    && !self.roots.contains(name)
                {
                    self.roots.push(name.clone());
                }
            }
        }
    }

    fn id(&self, random: &mut Random) -> Id {
        if !self.sights.is_empty() && !random.chance(3) {
            return *random.pick(&self.sights);
        }
        let clients: Vec<_> = self.known.iter().collect();
        if clients.is_empty() {
            return (1, 0);
        }
        let (client, end) = random.pick(&clients);
        (**client, random.next() % (**end).max(1))
    }

    fn client(&self, random: &mut Random) -> u64 {
        let clients: Vec<_> = self.known.keys().copied().collect();
        if clients.is_empty() || random.chance(2) { 1 + random.next() % 9 } else { *random.pick(&clients) }
    }
}

const TEXTS: [&str; 6] = ["x", "yz", "é", "😀", "a😀b", "longer"];
const KEYS: [&str; 3] = ["k", "m", "title"];

fn content(random: &mut Random) -> Content {
    match random.below(12) {
        0 => Content::Collected(1 + random.next() % 3),
        1 => Content::Deleted(1 + random.next() % 3),
        2..=5 => Content::Text((*random.pick(&TEXTS)).to_owned()),
        6 => Content::Values((0..=random.below(2)).map(|_| vec![119, 1, b'v']).collect()),
        7 => Content::Other(7, vec![*random.pick(&[0, 1, 2, 4, 6])]),
        8 => Content::Other(7, vec![3, 1, *random.pick(b"pq")]),
        9 => Content::Other(6, [&[1, b'b', 4][..], *random.pick(&[b"true", b"null"])].concat()),
        10 => Content::Other(5, vec![4, b'n', b'u', b'l', b'l']),
        _ => Content::Other(9, vec![1, b'g', 118, 0]),
    }
}

fn item(world: &World, random: &mut Random) -> Struct {
    let mut item = Struct {
        origin: None,
        right_origin: None,
        parent: Some(Parent::Root(random.pick(&world.roots).clone())),
        key: None,
        marked: random.chance(6),
        content: content(random),
    };
    replace_place(&mut item, world, random);
    item
}

fn neighbour((client, clock): Id, random: &mut Random) -> Id {
    if random.chance(2) { (client, clock + 1) } else { (client, clock.saturating_sub(1)) }
}

fn replace_place(item: &mut Struct, world: &World, random: &mut Random) {
    let (left, right) = (world.id(random), world.id(random));
    (item.origin, item.right_origin) = match random.below(6) {
        0 => (None, None),
        1 | 2 => (Some(left), None),
        3 => (None, Some(right)),
        4 => (Some(left), Some(neighbour(left, random))),
        _ => (Some(left), Some(right)),
    };
    if item.origin.is_none() && item.right_origin.is_none() {
        let nested = Parent::Nested(world.id(random));
        item.parent = Some(if random.chance(3) { Parent::Root(random.pick(&world.roots).clone()) } else { nested });
        item.key = random.chance(4).then(|| (*random.pick(&KEYS)).to_owned());
    }
}

fn spoil_item(item: &mut Struct, world: &World, random: &mut Random) {
    match random.below(10) {
        0 => item.content = content(random),
        1 => replace_place(item, world, random),
        2 => item.marked = !item.marked,
        3 => item.origin = item.origin.map(|id| neighbour(id, random)),
        4 => item.right_origin = item.right_origin.map(|id| neighbour(id, random)),
        5 => item.right_origin = Some(world.id(random)),
        6 => item.origin = Some(world.id(random)),
        7 => (item.origin, item.right_origin) = (item.right_origin, item.origin),
        8 => match &mut item.content {
            Content::Text(text) => text.push_str(TEXTS[random.below(TEXTS.len())]),
            Content::Values(values) => values.push(vec![126]),
            Content::Deleted(length) | Content::Collected(length) => *length += 1,
            Content::Other(..) => item.content = content(random),
        },
        _ => match random.below(3) {
            0 => item.origin = None,
            1 => item.right_origin = None,
            _ => item.key = Some((*random.pick(&KEYS)).to_owned()),
        },
    }
}

/// Spoils an update in one to three places.
pub fn mutate(update: &Update, world: &World, random: &mut Random) -> Update {
    let mut mutant = update.clone();
    for _ in 0..=random.below(3) {
        spoil(&mut mutant, world, random);
    }
    mutant
}

fn spoil(mutant: &mut Update, world: &World, random: &mut Random) {
    let sections = mutant.sections.len();
    if sections == 0 || random.chance(8) {
        return add(mutant, world, random);
    }
    let at = random.below(sections);
    let section = &mut mutant.sections[at];
    let place = random.below(section.structs.len());
    match random.below(12) {
        0..=6 => spoil_item(&mut section.structs[place], world, random),
        7 => section.structs.insert(place, item(world, random)),
        8 if section.structs.len() > 1 => drop(section.structs.remove(place)),
        9 => {
            // The same changes by another client, or at other clocks.
            let client = world.client(random);
            if !mutant.sections.iter().any(|section| section.client == client) {
                mutant.sections[at].client = client;
                mutant.sections[at].clock = world.known.get(&client).copied().unwrap_or(0);
            }
        }
        10 => section.clock = if random.chance(2) { section.clock.saturating_sub(1) } else { 0 },
        _ => {
            let (client, clock) = world.id(random);
            let range = (clock, 1 + random.next() % 3);
            if !mutant.deletes.iter().any(|(deleted, _)| *deleted == client) {
                mutant.deletes.push((client, vec![range]));
            }
        }
    }
}

/// Adds a client's section, or goes on with one.
fn add(mutant: &mut Update, world: &World, random: &mut Random) {
    let client = world.client(random);
    let new = item(world, random);
    match mutant.sections.iter_mut().find(|section| section.client == client) {
        Some(section) => section.structs.push(new),
        None => {
            let clock = world.known.get(&client).copied().unwrap_or(0);
            mutant.sections.push(Section { client, clock, structs: vec![new] });
        }
    }
}
