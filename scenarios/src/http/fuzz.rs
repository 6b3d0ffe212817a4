//! Whatever bytes come, read as messages, for `cargo xtask fuzz`.

use std::io::Read;

use super::message::{Head, Reader};

/// More than any input holds.
const MESSAGES_MAX: usize = 10_000;

/// What is read, in words: start lines with their bodies, and the error at which it ends.
pub fn requests(from: impl Read) -> Vec<String> {
    read(from, |reader| reader.request().map_err(|error| error.to_string()))
}

/// As [`requests`], of responses.
pub fn responses(from: impl Read) -> Vec<String> {
    read(from, |reader| match reader.is_at_end() {
        Ok(true) => Ok(None),
        _ => reader.response().map(Some).map_err(|error| error.to_string()),
    })
}

fn read<R: Read>(
    from: R,
    head: impl Fn(&mut Reader<R>) -> Result<Option<Head>, String>,
) -> Vec<String> {
    let mut reader = Reader::new(from);
    let mut seen = Vec::new();
    while seen.len() < MESSAGES_MAX {
        let head = match head(&mut reader) {
            Ok(Some(head)) => head,
            Ok(None) => return seen,
            Err(error) => {
                seen.push(error);
                return seen;
            }
        };
        let body = reader.body(&head);
        let failed = body.is_err();
        seen.push(format!("{} {body:?}", head.start));
        if failed {
            return seen;
        }
    }
    seen
}
