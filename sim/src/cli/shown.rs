//! What of a trace the command line shows, and how: as it is asked for, and as wide as the terminal.

use std::io::{self, IsTerminal};

use clap::Args;

use crate::trace::{Level, PayloadAs, Style};

/// Which trace is printed.
#[derive(Args, Debug)]
pub(super) struct TraceArgs {
    /// Prints the trace: faults, api, sched or wire
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub(super) trace: Option<Level>,
    /// Shows the first bytes of what is sent and received, in the trace
    #[arg(long, value_name = "text|hex", value_parser = payload, requires = "trace")]
    payload: Option<PayloadAs>,
}

impl TraceArgs {
    pub(super) fn style(&self) -> Style {
        Style { columns: columns(), payload: self.payload }
    }
}

fn level(text: &str) -> Result<Level, String> {
    Level::by_name(text).ok_or_else(|| format!("the levels are {}", Level::NAMES.join(", ")))
}

fn payload(text: &str) -> Result<PayloadAs, String> {
    PayloadAs::by_name(text).ok_or_else(|| "bytes are shown as text or as hex".into())
}

/// How wide the terminal is that is written to; `COLUMNS` has the last word. A pipe has no width: what
/// goes there is the same everywhere.
fn columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let asked = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let measured = || rustix::termios::tcgetwinsize(io::stdout()).ok();
    asked.or_else(|| measured().map(|size| usize::from(size.ws_col))).filter(|columns| *columns > 0)
}
