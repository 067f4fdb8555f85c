//! Compressed request bodies: which coding a body is in, and inflating it within bounds.
//!
//! A few kilobytes can stand for gigabytes, so nothing is inflated further than the caller's limit and one byte, and no
//! coding may ask for a window of its own choice. One coding at a time: `gzip, gzip` is refused. Inflating takes
//! milliseconds for a megabyte: call it off the event loop.

use std::io::{self, Read};

use actix_web::http::header::{self, HeaderMap};
use thiserror::Error;

/// RFC 9659: a receiver of `zstd` need not hold more than 8 MiB of window.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// The header of a "large window" brotli stream, which RFC 7932 does not know: up to a gigabyte of window.
const BROTLI_LARGE_WINDOW: u8 = 0b001_0001;
/// As much is inflated before the buffer grows.
const FIRST_BUFFER_BYTES: usize = 64 * 1024;
/// A buffer that grows beyond this gets the address space of the largest body at once.
const SMALL_BUFFER_BYTES: usize = 1024 * 1024;
const BROTLI_INPUT_BYTES: usize = 4 * 1024;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952; also sent as `x-gzip`.
    Gzip,
    /// RFC 1950, which HTTP calls `deflate`.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

/// A `Content-Encoding` that is not taken. Says which are.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CodingError {
    /// Not one of ours.
    #[error("the content encoding must be one of identity, gzip, deflate, br, zstd, not {0:?}")]
    Unknown(String),
    /// Compressed more than once.
    #[error("a body may be compressed once, not {0:?}: send one content encoding")]
    Nested(String),
}

/// Why a body cannot be inflated.
#[derive(Debug, Error)]
pub enum InflateError {
    /// There is no room for it now.
    #[error("there is no room for the body now")]
    NoRoom,
    /// More comes out than the limit allows.
    #[error("the body is larger than the limit once it is decompressed")]
    TooLarge,
    /// It breaks off, is damaged, goes on behind its end, or wants a larger window than it may have.
    #[error("the body cannot be decompressed: {0}")]
    Damaged(#[from] io::Error),
}

impl Coding {
    /// The coding that the headers state; `None` for a plain body.
    ///
    /// # Errors
    /// A coding that is not known, or several.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, CodingError> {
        let stated: Vec<&str> = headers
            .get_all(header::CONTENT_ENCODING)
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(str::trim)
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
            .collect();
        match stated.as_slice() {
            [] => Ok(None),
            [one] => Self::named(one).map(Some).ok_or_else(|| CodingError::Unknown((*one).to_owned())),
            several => Err(CodingError::Nested(several.join(", "))),
        }
    }

    fn named(name: &str) -> Option<Self> {
        let names = [
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("br", Self::Brotli),
            ("zstd", Self::Zstd),
        ];
        names.into_iter().find_map(|(known, coding)| known.eq_ignore_ascii_case(name).then_some(coding))
    }

    /// The plain body, if it has `max_bytes` at most. `admit` is asked before the buffer grows by so many bytes.
    ///
    /// # Errors
    /// See [`InflateError`].
    pub fn inflate(
        self,
        compressed: &[u8],
        max_bytes: usize,
        admit: impl FnMut(usize) -> bool,
    ) -> Result<Vec<u8>, InflateError> {
        let mut rest = compressed;
        let plain = match self {
            Self::Gzip => read_bounded(flate2::bufread::MultiGzDecoder::new(&mut rest), max_bytes, admit)?,
            Self::Deflate => read_bounded(flate2::bufread::ZlibDecoder::new(&mut rest), max_bytes, admit)?,
            Self::Brotli => {
                refuse_large_window(compressed)?;
                read_bounded(brotli::Decompressor::new(&mut rest, BROTLI_INPUT_BYTES), max_bytes, admit)?
            }
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(&mut rest)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                read_bounded(decoder, max_bytes, admit)?
            }
        };
        if rest.is_empty() { Ok(plain) } else { Err(damaged("it goes on behind its end")) }
    }
}

fn refuse_large_window(compressed: &[u8]) -> Result<(), InflateError> {
    match compressed.first() {
        Some(first) if first & 0x7f == BROTLI_LARGE_WINDOW => Err(damaged("its window is too large")),
        Some(_) | None => Ok(()),
    }
}

fn damaged(reason: &str) -> InflateError {
    InflateError::Damaged(io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// Reads to the end, into a buffer that is never larger than `max_bytes` and one.
fn read_bounded(
    mut source: impl Read,
    max_bytes: usize,
    mut admit: impl FnMut(usize) -> bool,
) -> Result<Vec<u8>, InflateError> {
    let most = max_bytes.saturating_add(1);
    let mut plain = Vec::new();
    let mut filled = 0;
    loop {
        if filled == plain.len() {
            let next = filled.saturating_mul(2).clamp(FIRST_BUFFER_BYTES.min(most), most);
            if !admit(next.saturating_sub(filled)) {
                return Err(InflateError::NoRoom);
            }
            if next > plain.capacity() {
                // A large buffer is not moved while it grows: for a moment there would be two. What is not filled takes no memory.
                let capacity = if next > SMALL_BUFFER_BYTES { most } else { next };
                plain.reserve_exact(capacity.saturating_sub(filled));
            }
            plain.resize(next, 0);
        }
        match source.read(plain.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
            Err(failure) => return Err(failure.into()),
        }
        if filled > max_bytes {
            return Err(InflateError::TooLarge);
        }
    }
    // The brotli reader reports what follows the end when it is asked once more.
    if source.read(&mut [0])? > 0 {
        return Err(damaged("it goes on behind its end"));
    }
    plain.truncate(filled);
    plain.shrink_to_fit();
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use actix_web::http::header::HeaderValue;

    use super::*;

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

    fn deflate(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        match coding {
            Coding::Gzip => {
                flate2::write::GzEncoder::new(&mut packed, flate2::Compression::best()).write_all(plain).unwrap();
            }
            Coding::Deflate => {
                flate2::write::ZlibEncoder::new(&mut packed, flate2::Compression::best()).write_all(plain).unwrap();
            }
            Coding::Brotli => brotli::CompressorWriter::new(&mut packed, 4096, 9, 22).write_all(plain).unwrap(),
            Coding::Zstd => zstd::stream::copy_encode(plain, &mut packed, 19).unwrap(),
        }
        packed
    }

    fn of(values: &[&'static str]) -> Result<Option<Coding>, CodingError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        Coding::of(&headers)
    }

    #[test]
    fn codings_have_their_names() {
        for plain in [&[][..], &[""], &["identity"], &["Identity, identity"]] {
            assert_eq!(of(plain), Ok(None), "{plain:?}");
        }
        for (name, coding) in
            [("gzip", ALL[0]), ("x-gzip", ALL[0]), ("X-GZip", ALL[0]), ("deflate", ALL[1]), ("br", ALL[2])]
        {
            assert_eq!(of(&[name]), Ok(Some(coding)), "{name}");
        }
        assert_eq!(of(&["identity", "zstd"]), Ok(Some(Coding::Zstd)));
        assert_eq!(of(&["compress"]), Err(CodingError::Unknown("compress".into())));
        for nested in [&["gzip, gzip"][..], &["gzip", "br"], &["zstd,, zstd"]] {
            assert!(matches!(of(nested), Err(CodingError::Nested(_))), "{nested:?}");
        }
    }

    #[test]
    fn a_body_may_be_as_large_as_the_limit() {
        let plain = vec![b'x'; 300_000];
        for coding in ALL {
            let packed = deflate(coding, &plain);
            assert_eq!(coding.inflate(&packed, plain.len(), |_bytes| true).unwrap(), plain, "{coding:?}");
            let refused = coding.inflate(&packed, plain.len() - 1, |_bytes| true);
            assert!(matches!(refused, Err(InflateError::TooLarge)), "{coding:?}: {refused:?}");
            assert!(matches!(coding.inflate(&packed, 0, |_bytes| true), Err(InflateError::TooLarge)), "{coding:?}");
        }
    }

    #[test]
    fn the_buffer_is_never_larger_than_the_limit_and_one() {
        for max_bytes in [0, 1, 65_535, 65_536, 65_537, 1 << 20] {
            let mut largest = 0;
            let source = io::repeat(b'x').take(1 << 30);
            struct Watched<'a, R>(R, &'a mut usize);
            impl<R: Read> Read for Watched<'_, R> {
                fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                    *self.1 = into.len().max(*self.1);
                    self.0.read(into)
                }
            }
            let refused = read_bounded(Watched(source, &mut largest), max_bytes, |_bytes| true);
            assert!(matches!(refused, Err(InflateError::TooLarge)));
            assert!(largest <= max_bytes + 1, "{largest} bytes for a limit of {max_bytes}");
        }
    }

    #[test]
    fn a_body_for_which_there_is_no_room_is_not_inflated_further() {
        let packed = deflate(Coding::Zstd, &vec![b'x'; 300_000]);
        let mut admitted = 0;
        let refused = Coding::Zstd.inflate(&packed, 1 << 20, |bytes| {
            admitted += bytes;
            admitted <= 200_000
        });
        assert!(matches!(refused, Err(InflateError::NoRoom)), "{refused:?}");
    }

    #[test]
    fn what_breaks_off_or_goes_on_is_refused() {
        let noise: Vec<u8> = (0..5_000_u128).flat_map(|n| uuid::Uuid::from_u128(n * n * 7_919).into_bytes()).collect();
        for coding in ALL {
            let packed = deflate(coding, &noise);
            for end in [1, packed.len() / 2, packed.len() - 1] {
                let broken = coding.inflate(&packed[..end], noise.len(), |_bytes| true);
                assert!(matches!(broken, Err(InflateError::Damaged(_))), "{coding:?} up to {end}: {broken:?}");
            }
            let longer = [&packed[..], b"{}"].concat();
            assert!(
                matches!(coding.inflate(&longer, noise.len(), |_bytes| true), Err(InflateError::Damaged(_))),
                "{coding:?}"
            );
            assert!(
                matches!(coding.inflate(b"no such stream", 100, |_bytes| true), Err(InflateError::Damaged(_))),
                "{coding:?}"
            );
        }
    }

    #[test]
    fn no_stream_chooses_its_own_window() {
        // A frame header without a content size whose window is 2^24, 2^27 and 2^31.
        for window_log in [24_u8, 27, 31] {
            let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3, 0x03, 0, 0, b'x'];
            assert!(
                matches!(Coding::Zstd.inflate(&frame, 100, |_bytes| true), Err(InflateError::Damaged(_))),
                "2^{window_log}"
            );
        }
        let usual = [0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3, 0x09, 0, 0, b'x'];
        assert_eq!(Coding::Zstd.inflate(&usual, 100, |_bytes| true).unwrap(), b"x");
        let refused = Coding::Brotli.inflate(&[0x11, 30, 0x03], 100, |_bytes| true).unwrap_err().to_string();
        assert!(refused.contains("window"), "{refused}");
    }
}
