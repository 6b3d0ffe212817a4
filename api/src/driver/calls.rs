//! Backtraces as text: which of their calls are a greenlet's own.

/// The calls between the driver's own, each of one line or two: from the call that waits to the greenlet's closure. Where
/// frames say neither file nor function, as in a program without symbols, all are kept.
pub(super) fn own_calls(backtrace: &str) -> Vec<String> {
    let frames = frames(backtrace);
    let is = |frame: &&String, any_of: &[&str]| any_of.iter().any(|part| frame.contains(part));
    // Below it another greenlet's stack begins, or the driver's.
    let bottom = frames.iter().position(|frame| is(&frame, &["stack_init_trampoline"]));
    let (mut own, above) = match bottom {
        Some(bottom) => (&frames[..bottom], true),
        None => (&frames[..], false),
    };
    const LEAVING: &[&str] = &[
        ": std::backtrace",
        "src/greenlet/",
        "__restore_rt",
        // The frame of a signal.
        ": <unknown>",
        "src/driver/",
    ];
    while let [first, rest @ ..] = own
        && is(&first, LEAVING)
    {
        own = rest;
    }
    const ENTERING: &[&str] = &[
        ": __rust_try",
        "/library/",
        "/corosensei-",
        "src/greenlet/",
        "src/driver/",
        "src/thread/join.rs:",
    ];
    while let [rest @ .., last] = own
        && above
        && is(&last, ENTERING)
    {
        own = rest;
    }
    own.to_vec()
}

/// A frame is a numbered line and the one after it that says where.
fn frames(backtrace: &str) -> Vec<String> {
    let mut frames: Vec<String> = Vec::new();
    for line in backtrace.lines() {
        let number = line.trim_start().split_once(": ").map(|(number, _)| number);
        let begins = number.is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
        match frames.last_mut() {
            Some(frame) if !begins => frame.push_str(line),
            _ => frames.push(line.to_owned()),
        }
        frames.last_mut().expect("one was just pushed").push('\n');
    }
    frames
}
