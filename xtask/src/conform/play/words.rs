//! How outcomes are written: bytes, and errors by name.

use std::io;

use greenroom_sim::trace::error_name;

use super::super::program::Quoted;

/// Numbered bytes are no text: they begin here.
const NUMBERS: u8 = 128;
/// Text of up to this length is shown as it is.
const TEXT_MAX: usize = 64;

/// The byte of this number.
pub fn numbered(n: u32) -> u8 {
    NUMBERS + (n % u32::from(NUMBERS)) as u8
}

/// Text as it is; else how many bytes, and which: the first and the last one's numbers.
pub fn shown(bytes: &[u8]) -> String {
    let is_text = bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
    if is_text && bytes.len() <= TEXT_MAX {
        return Quoted(bytes).to_string();
    }
    match bytes {
        [] => "\"\"".into(),
        [only] => format!("1 byte: {}", byte(*only)),
        [first, .., last] => format!("{} bytes: {}..{}", bytes.len(), byte(*first), byte(*last)),
    }
}

fn byte(byte: u8) -> String {
    match byte.checked_sub(NUMBERS) {
        Some(number) => number.to_string(),
        None => byte.escape_ascii().to_string(),
    }
}

/// An error by the name of its number; one of the player's own by its text; any other by its kind.
pub fn said(error: &io::Error) -> String {
    match error.get_ref() {
        Some(text) if error.kind() == io::ErrorKind::Other => text.to_string(),
        _ => error_name(error),
    }
}
