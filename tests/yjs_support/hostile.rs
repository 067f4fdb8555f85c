//! Yjs updates that kill or harm a server that hands them to yrs without a look at them first.

/// A name, and the updates as hexadecimal, in the order in which they come.
const CASES: &[(&str, &[&str])] = &[
    // yrs 0.28.1 panics when it applies this.
    (
        "a block over a skip",
        &[
            "01150b002101016d016b010001a10b00ffffffff070001a10b020100a10b00ffffffff070001a10b02010001a10b04010001a10b06010001a10b08010001a10b0a010001a10b0c010001a10b0e010001a70b100128000b120161017d090101016103010b0200121403",
        ],
    ),
    // yrs 0.28.1 panics: an index out of bounds.
    ("a clock that nothing leads to", &["010509bac1b8e20a0401017401300a0284090201330a02840905013600"]),
    // Encoding the state panics.
    (
        "something pending",
        &[
            "01050b17e6f503000a0205636f6c6f72046e756c6c880900027e7ea10b0301421405010131010001000102e0a7120104030a03050412052003",
        ],
    ),
    // yrs 0.28.1 panics.
    ("a great client in few bytes", &["010109ffffffff0f04010174013000"]),
    // yrs 0.28.1 panics: it comes where it says that it never does.
    (
        "an unreachable place",
        &[
            "02040100c90166f70303087375622d677569647600c7e0a712000b160501700401016105f09f9880780a0101f70303c6f60302070c04626f6c640522726564220101010003",
        ],
    ),
    // yrs 0.28.1 panics: an unwrap of nothing.
    (
        "an item that the store has not got",
        &[
            "0301e0a712002801016d016b017d020214ffffffff0fc40a010a020342c3a92101016d016b01060a00040101740167810a0001810a0102840a03016fc40a010a020541f09f98802101016d016b0102140102010a0201030801",
        ],
    ),
    // The process aborts: a panic while it applies this, and a second one in a destructor.
    (
        "a panic in a destructor",
        &[
            "01150bffffffff0f2101016d016b010001a10b00010001a10b02010001a10b04010001a10b06010001a10b08010001a10b0a010001a10b0c010001a10b0e010001a70b100128000b120161017d090100016503010b0200121402",
        ],
    ),
    // The same.
    (
        "a panic in a destructor, with deletions",
        &[
            "01150bffffffff0f2101016d016b010001a10b00010001a10b02010001a10b04010001a10b06010001a10b08010001a10b0a010001a10b0c010001a10b0e010001a70b100128000b120161017d090101016103010b0200121403",
        ],
    ),
    // In this order, all that they lean on being there: yrs 0.28.1 reads freed memory when it collects garbage.
    (
        "use after free",
        &[
            "0105010000010701016d0208010178017e0301016d0362696e24010178016b016100",
            "010504008301020362696ec9010001020167760024000101016105f09f988078880102017fa101020200",
            "02030105c1040301010200018604010163047472756504030084040702c3a9a6010004626f6c6404747275654401010161840100036263640104010601",
            "000101010005",
        ],
    ),
    // yrs 0.27.4 crashes; 0.28.1 refuses it.
    ("a segmentation fault", &["01060100040101740268c581010103845b01040620776f721f"]),
    // Applied without an error, after which every encoding of the document's state panics.
    (
        "poison",
        &[
            "0106010004010174026865f30101038401040620776f72e2642801016d016b017d012701016d016e012800010c0161017701620101010203",
        ],
    ),
    // Four bytes that claim 2^28 - 1 clients: half a gigabyte.
    ("a count of clients", &["ffffff7f"]),
];

/// The name of the one that is accepted: there is nothing wrong with its bytes.
pub const USE_AFTER_FREE: &str = "use after free";

/// All of them, each with its name.
pub fn cases() -> impl Iterator<Item = (&'static str, Vec<Vec<u8>>)> {
    CASES.iter().map(|(name, updates)| (*name, updates.iter().map(|hex| from_hex(hex)).collect()))
}

/// Bytes from hexadecimal.
pub fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}
