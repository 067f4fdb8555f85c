//! A file that `build.rs` packed into the binary, and how it is answered: in the best form that the client takes, with an
//! `ETag` that spares it a second time.

use actix_web::http::header::{self, AcceptEncoding, ETag, Encoding, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};

/// A file of a page.
pub struct PackedFile {
    /// Below the page's root, without a slash in front.
    pub path: &'static str,
    /// What it is.
    pub content_type: &'static str,
    /// What its `ETag` is made of.
    pub tag: &'static str,
    /// Its bytes.
    pub plain: &'static [u8],
    /// Its bytes in brotli, if that is shorter.
    pub brotli: Option<&'static [u8]>,
    /// Its bytes in gzip, if that is shorter.
    pub gzip: Option<&'static [u8]>,
}

/// The file at a path, among files ordered by path.
pub fn find(files: &'static [PackedFile], path: &str) -> Option<&'static PackedFile> {
    files.binary_search_by_key(&path, |file| file.path).ok().and_then(|at| files.get(at))
}

impl PackedFile {
    /// The answer to a request for it, with these headers.
    pub fn answer(&self, request: &HttpRequest, headers: &[(&'static str, &'static str)]) -> HttpResponse {
        let (coding, body) = self.encoded_for(request);
        let tag = EntityTag::new_strong(format!("{}-{coding}", self.tag));
        let is_known = is_known(request, &tag);
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header(ETag(tag)).insert_header((header::VARY, "accept-encoding"));
        for one in headers {
            response.insert_header(*one);
        }
        if is_known {
            return response.finish();
        }
        // Said even where it is `identity`, since the compressing layer would otherwise pack what packing does not shrink.
        response.content_type(self.content_type).insert_header((header::CONTENT_ENCODING, coding)).body(body)
    }

    /// The body in the best form that the client takes, and the name of that form.
    fn encoded_for(&self, request: &HttpRequest) -> (&'static str, &'static [u8]) {
        let mut offered = vec![Encoding::identity()];
        offered.extend(self.brotli.map(|_| Encoding::brotli()));
        offered.extend(self.gzip.map(|_| Encoding::gzip()));
        let chosen = AcceptEncoding::parse(request).ok().and_then(|accepted| accepted.negotiate(offered.iter()));
        match (chosen, self.brotli, self.gzip) {
            (Some(chosen), Some(brotli), _) if chosen == Encoding::brotli() => ("br", brotli),
            (Some(chosen), _, Some(gzip)) if chosen == Encoding::gzip() => ("gzip", gzip),
            _ => ("identity", self.plain),
        }
    }
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_unreadable) => false,
    }
}
