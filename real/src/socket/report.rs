//! What a source is watched for, and what a report of the poll says of it.

use greenroom::hub::Readiness;
use mio::event::Event;

/// Everything a source is watched for.
pub(crate) fn everything() -> mio::Interest {
    let both = mio::Interest::READABLE | mio::Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let both = both | mio::Interest::PRIORITY;
    both
}

/// What a report says may be so, and more: an urgent byte alone is reported as something to read, and the
/// end of either direction may be that of both.
pub(crate) fn reported(event: &Event) -> Readiness {
    let (read_closed, write_closed) = (event.is_read_closed(), event.is_write_closed());
    if !(read_closed || write_closed || event.is_error() || event.is_priority()) {
        return Readiness::READ
            .when(event.is_readable())
            .with(Readiness::WRITE.when(event.is_writable()));
    }
    Readiness::READ
        .when(event.is_readable() || read_closed)
        .with(Readiness::WRITE.when(event.is_writable() || write_closed))
        .with(Readiness::ERROR.when(event.is_error()))
        .as_found()
        .with(Readiness::READ_CLOSED.when(read_closed))
        .with(Readiness::HANG_UP.when(read_closed || write_closed))
        .with(Readiness::URGENT.when(event.is_priority()))
}
