//! What the command line prints: to a pipe that is closed, a disk that is full, a terminal that obeys what it
//! is sent.

use std::io::{self, Write};

use crate::search::worker;
use crate::text::escaped;

/// The code that a shell gives to who was ended by a closed pipe.
const CLOSED_PIPE: i32 = 141;

/// As `println!`, for output that may be piped into `head`.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::print(&format!("{}\n", format_args!($($text)*)))
    };
}

/// Prints, where `print!` would panic. Whoever reads the output may have seen enough of it: that ends the process
/// quietly, with the code a shell gives to a closed pipe. Where it can't be written for another reason, as on a
/// full disk, that is said in a line on stderr, and the process ends with 1.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) else { return };
    if error.kind() == io::ErrorKind::BrokenPipe {
        worker::end_unheard(CLOSED_PIPE);
    }
    complain(&format!("error: the output can't be written: {error}"));
    worker::end_unheard(1);
}

/// As `eprintln!`, where nobody may be listening.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says in one line what was ill-used, and by what; returns the exit code.
pub(super) fn usage(error: &str) -> i32 {
    complain(&format!("error: {}", escaped(error)));
    2
}
