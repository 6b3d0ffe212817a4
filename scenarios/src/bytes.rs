//! Bytes that tell where they come from, and frames around them. No socket is known here.

use std::io::{self, Read, Write};

/// The longest payload a frame may announce; a length over it is a stream gone wrong.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// The byte at `position` of the stream `of`: neighbours, streams and positions all differ, so that
/// a byte lost, repeated, swapped or given to another is seen.
pub(crate) fn byte_at(of: u64, position: u64) -> u8 {
    let mixed = (of << 40 ^ position).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

/// The bytes of the stream `of` from `position` on.
pub fn pattern(of: u64, position: u64, length: usize) -> Vec<u8> {
    (position..).take(length).map(|position| byte_at(of, position)).collect()
}

/// Where `bytes` first differ from the stream `of` from `position` on.
pub(crate) fn first_wrong(of: u64, position: u64, bytes: &[u8]) -> Option<u64> {
    let wrong = (position..).zip(bytes).find(|&(position, &byte)| byte != byte_at(of, position));
    wrong.map(|(position, _)| position)
}

/// FNV-1a, so that order matters and both sides can sum as they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checksum(u64);

impl Checksum {
    pub(crate) const START: Checksum = Checksum(0xcbf2_9ce4_8422_2325);

    pub(crate) fn of(bytes: &[u8]) -> u64 {
        Checksum::START.with(bytes).value()
    }
    pub(crate) fn with(self, bytes: &[u8]) -> Checksum {
        let step = |sum: u64, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Checksum(bytes.iter().fold(self.0, step))
    }
    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

/// Sends a frame in one write: its number, its length, its payload.
pub(crate) fn write_frame(mut to: impl Write, number: u32, payload: &[u8]) -> io::Result<()> {
    to.write_all(&frame(number, payload))
}

/// A frame's bytes.
pub(crate) fn frame(number: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a payload has at most a megabyte");
    [&number.to_be_bytes()[..], &length.to_be_bytes()[..], payload].concat()
}

/// Reads a frame, however the bytes come; `None` where the stream ends between two.
pub(crate) fn read_frame(mut from: impl Read) -> io::Result<Option<(u32, Vec<u8>)>> {
    let mut header = [0; 8];
    let first = loop {
        match from.read(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if first == 0 {
        return Ok(None);
    }
    from.read_exact(&mut header[first..])?;
    let [number, length] = [&header[..4], &header[4..]]
        .map(|word| u32::from_be_bytes(word.try_into().expect("a word has four bytes")));
    let length = length as usize;
    if length > PAYLOAD_BYTES_MAX {
        let what = format!("a frame of {length} bytes is announced");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok(Some((number, payload)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct ByteByByte<'a>(&'a [u8]);

    impl Read for ByteByByte<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let take = buf.len().min(1);
            self.0.read(&mut buf[..take])
        }
    }

    #[test]
    fn frames_survive_short_reads() {
        let mut wire = frame(1, b"one");
        wire.extend(frame(2, b""));
        let mut source = ByteByByte(&wire);
        assert_eq!(read_frame(&mut source).unwrap(), Some((1, b"one".to_vec())));
        assert_eq!(read_frame(&mut source).unwrap(), Some((2, vec![])));
        assert_eq!(read_frame(&mut source).unwrap(), None);
    }

    #[test]
    fn cut_and_giant_frames_are_errors() {
        let wire = frame(1, b"one");
        let cut = read_frame(&wire[..10]).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        let giant = read_frame(&[0xff; 8][..]).unwrap_err();
        assert_eq!(giant.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_pattern_tells_streams_and_positions_apart() {
        let sent = pattern(3, 100, 1000);
        assert_eq!(first_wrong(3, 100, &sent), None);
        assert!(first_wrong(4, 100, &sent).is_some());
        assert!(first_wrong(3, 101, &sent).is_some());
    }
}
