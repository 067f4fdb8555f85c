//! Content codings, as clients use them on bodies.

use std::io::{Cursor, Read, Write};

/// A way to compress a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Brotli,
    Zstd,
}

impl Coding {
    pub const ALL: [Self; 3] = [Self::Gzip, Self::Brotli, Self::Zstd];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of that name.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|coding| coding.name() == name).unwrap_or_else(|| panic!("no coding {name}"))
    }

    /// Compresses `length` bytes of whatever `plain` gives, without holding them in memory.
    pub fn encode_from(self, plain: impl Read, length: u64) -> Vec<u8> {
        let mut plain = plain.take(length);
        let mut out = Vec::new();
        match self {
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::best());
                std::io::copy(&mut plain, &mut writer).expect("memory takes it");
                writer.finish().expect("memory takes it");
            }
            Self::Brotli => {
                let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 16, 5, 22);
                std::io::copy(&mut plain, &mut writer).expect("memory takes it");
                writer.flush().expect("memory takes it");
            }
            Self::Zstd => zstd::stream::copy_encode(&mut plain, &mut out, 3).expect("memory takes it"),
        }
        out
    }

    /// Compresses a body.
    pub fn encode(self, plain: &[u8]) -> Vec<u8> {
        self.encode_from(Cursor::new(plain), u64::MAX)
    }

    /// The plain body.
    pub fn decode(self, coded: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let read = match self {
            Self::Gzip => flate2::read::GzDecoder::new(coded).read_to_end(&mut plain),
            Self::Brotli => brotli::Decompressor::new(coded, 1 << 16).read_to_end(&mut plain),
            Self::Zstd => zstd::Decoder::new(coded).and_then(|mut decoder| decoder.read_to_end(&mut plain)),
        };
        read.unwrap_or_else(|error| panic!("no {}: {error}", self.name()));
        plain
    }
}
