//! Texts between quotation marks.

use super::Refusal;

/// What stands between the quotation marks a text begins with, and what follows them.
pub fn quoted(text: &str) -> Result<(Vec<u8>, &str), Refusal> {
    let inner = text.strip_prefix('"').ok_or("a quotation mark is missing")?;
    let mut bytes = Vec::new();
    let mut chars = inner.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((bytes, &inner[at + 1..])),
            '\\' => {
                let (_, escaped) = chars.next().ok_or("a backslash ends the line")?;
                bytes.push(match escaped {
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    '0' => 0,
                    '\\' | '"' | '\'' => escaped as u8,
                    'x' => {
                        let digits = inner.get(at + 2..at + 4).unwrap_or_default();
                        let byte = u8::from_str_radix(digits, 16);
                        chars.nth(1);
                        byte.map_err(|_| format!("`\\x{digits}` is no byte: two hex digits"))?
                    }
                    other => {
                        return Err(format!(
                            "`\\{other}`; there are \\n \\r \\t \\0 \\xNN \\\" \\\\"
                        ));
                    }
                });
            }
            char => {
                let mut buf = [0; 4];
                bytes.extend(char.encode_utf8(&mut buf).as_bytes());
            }
        }
    }
    Err("a quotation mark is never closed".into())
}

/// The parts between separators, trimmed; what is quoted separates nothing.
pub fn outside_quotes(text: &str, separator: &str) -> Vec<String> {
    let (mut parts, mut is_quoted, mut is_escaped, mut start) = (vec![], false, false, 0);
    for (at, char) in text.char_indices() {
        match char {
            '\\' if is_quoted && !is_escaped => {
                is_escaped = true;
                continue;
            }
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ if !is_quoted && at >= start && text[at..].starts_with(separator) => {
                parts.push(text[start..at].trim().to_owned());
                start = at + separator.len();
            }
            _ => {}
        }
        is_escaped = false;
    }
    parts.push(text[start..].trim().to_owned());
    parts
}
