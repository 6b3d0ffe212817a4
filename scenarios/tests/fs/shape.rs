//! What programs do with files, as they would with std's.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use greenroom::fs::{self, File};

use crate::both::{same, told};

#[test]
fn what_is_written_is_read_again() {
    let program = |root: &Path| -> io::Result<_> {
        fs::write(root.join("a"), b"mind the gap")?;
        let mut file = File::open(root.join("a"))?;
        let mut word = [0; 4];
        file.read_exact(&mut word)?;
        file.seek(SeekFrom::Current(5))?;
        let mut rest = String::new();
        file.read_to_string(&mut rest)?;
        Ok((word, rest, fs::metadata(root.join("a"))?.len()))
    };
    let read = same(move |root| told(program(root)));
    assert_eq!(read, Ok((*b"mind", "gap".to_owned(), 12)));
}
