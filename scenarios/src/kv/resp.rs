//! RESP2, the protocol Redis speaks: what requests and replies have in common, and both by name.
//! Not RESP3: no maps, no pushes, no attributes.

pub use super::reply::{Reply, ReplyReader};
pub use super::request::{Request, RequestError, RequestReader, encode_request};

/// A decimal in the only spelling Redis takes: no blanks, no plus, no leading zeros, no `-0`.
/// The length in a header, the value under a counter and an argument all follow it.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        b"0" => return (!negative).then_some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    // Counted downwards, because there is one more negative number than there are positive ones.
    let mut value = 0_i64;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// Appends a decimal. Every reply has one, so it does not go through `format!`.
pub fn push_integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends a line of a mark and a number: `*3`, `$5`, `:-1`.
pub fn push_header(out: &mut Vec<u8>, mark: u8, value: i64) {
    out.push(mark);
    push_integer(out, value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a bulk string.
pub fn push_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    push_header(out, b'$', bytes.len() as i64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{self, Read};

    /// A stream that arrives in pieces of the given sizes, over and over.
    struct Torn {
        bytes: io::Cursor<Vec<u8>>,
        sizes: Vec<usize>,
        turn: usize,
    }

    impl Read for Torn {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let size = self.sizes[self.turn % self.sizes.len()].min(buf.len());
            self.turn += 1;
            self.bytes.read(&mut buf[..size])
        }
    }

    fn torn(stream: Vec<u8>, sizes: Vec<usize>) -> Torn {
        Torn { bytes: io::Cursor::new(stream), sizes, turn: 0 }
    }

    fn sizes() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(prop_oneof![Just(1), 1..50_usize, 1..40_000_usize], 1..8)
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::collection::vec(any::<u8>(), 0..30_000),
        ]
    }

    fn reply() -> impl Strategy<Value = Reply> {
        let leaf = prop_oneof![
            "[a-zA-Z '+$:*]{0,20}".prop_map(Reply::Simple),
            "[A-Z]{1,8} [a-z ']{0,20}".prop_map(Reply::Error),
            any::<i64>().prop_map(Reply::Integer),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Reply::Bulk),
            Just(Reply::Nil),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop::collection::vec(inner, 0..6).prop_map(Reply::Array)
        })
    }

    #[test]
    fn integers_have_one_spelling() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            (" 1", None),
            ("1 ", None),
            ("1e3", None),
        ] {
            assert_eq!(parse_integer(text.as_bytes()), value, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn integers_round_trip(value: i64) {
            let mut text = Vec::new();
            push_integer(&mut text, value);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), value.to_string());
            prop_assert_eq!(parse_integer(&text), Some(value));
        }

        #[test]
        fn requests_round_trip_in_any_pieces(
            requests in prop::collection::vec(prop::collection::vec(bytes(), 1..5), 0..8),
            sizes in sizes(),
        ) {
            let mut stream = Vec::new();
            for request in &requests {
                let args: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
                encode_request(&mut stream, &args);
            }
            let mut reader = RequestReader::new(torn(stream, sizes));
            for expected in &requests {
                let ahead = reader.buffered();
                let request = reader.read().unwrap();
                let args: Vec<&[u8]> = request.args_from(0).collect();
                prop_assert_eq!(&args, expected);
                prop_assert!(!ahead || !args.is_empty());
            }
            prop_assert!(matches!(reader.read(), Err(RequestError::Closed)));
        }

        #[test]
        fn replies_round_trip_in_any_pieces(
            replies in prop::collection::vec(reply(), 0..8),
            sizes in sizes(),
        ) {
            let mut stream = Vec::new();
            replies.iter().for_each(|reply| reply.encode(&mut stream));
            let mut reader = ReplyReader::new(torn(stream, sizes));
            for expected in replies {
                prop_assert_eq!(reader.read().unwrap(), expected);
            }
            prop_assert_eq!(reader.read().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }

        #[test]
        fn garbage_ends_in_an_error_and_pieces_do_not_matter(
            stream in prop::collection::vec(
                prop::sample::select(b"*$:+-0123\r\n\r\n\"'\\ aG\xff".to_vec()), 0..200,
            ),
            sizes in sizes(),
        ) {
            let story = |sizes: Vec<usize>| {
                let mut reader =
                    RequestReader::new(torn(stream.clone(), sizes));
                let mut story = String::new();
                loop {
                    match reader.read() {
                        Ok(request) => {
                            let args: Vec<&[u8]> = request.args_from(0).collect();
                            story += &format!("{args:?}");
                        }
                        Err(error) => return story + &format!("{error:?}"),
                    }
                }
            };
            prop_assert_eq!(story(vec![usize::MAX]), story(sizes.clone()));
            let mut replies = ReplyReader::new(torn(stream.clone(), sizes));
            while replies.read().is_ok() {}
        }
    }
}
