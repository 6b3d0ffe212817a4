//! Blanks what is not code: comments, strings, character literals. Lines and columns stay.

/// Blanks comments, strings and character literals; newlines stay.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).expect("whole characters were blanked")
}

/// Where the comment or literal that starts at `at` ends; `at` itself if none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest[0] {
        b'/' if rest.starts_with(b"//") => {
            rest.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length)
        }
        b'/' if rest.starts_with(b"/*") => block_comment_end(bytes, at),
        b'"' => quoted_end(bytes, at + 1, b'"'),
        b'r' | b'b' | b'c' if !word_before => raw_end(bytes, at),
        b'\'' => character_end(bytes, at),
        _ => at,
    }
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`; plain `b"…"` and `b'…'` are met at their quote.
fn raw_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + usize::from(bytes[start] != b'r');
    if bytes.get(at) != Some(&b'r') {
        return start;
    }
    at += 1;
    let hashes = bytes[at..].iter().take_while(|&&byte| byte == b'#').count();
    at += hashes;
    if bytes.get(at) != Some(&b'"') {
        return start;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let found = bytes[at + 1..].windows(close.len()).position(|window| window == close);
    found.map_or(bytes.len(), |length| at + 1 + length + close.len())
}

/// A character literal's end; a lifetime is none.
fn character_end(bytes: &[u8], at: usize) -> usize {
    let Some(&next) = bytes.get(at + 1) else { return at };
    if next == b'\\' {
        return quoted_end(bytes, at + 1, b'\'');
    }
    let length = match next {
        byte if byte < 0x80 => 1,
        byte if byte < 0xe0 => 2,
        byte if byte < 0xf0 => 3,
        _ => 4,
    };
    if bytes.get(at + 1 + length) == Some(&b'\'') { at + length + 2 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blank() {
        let text = "a /* b /* c */ d */ \"e\\\"f\" r#\"g\"h\"# 'i' '\\'' b'j' &'k str // l\nm";
        let words: Vec<_> = mask(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["a", "b", "&'k", "str", "m"]);
    }
}
