//! Every stable method and trait of std's sockets and pipes, on ours with the same signature.
//!
//! `parity/methods.rs` is compiled twice, against std's modules and against ours: what it names
//! exists in both. `parity/docs.rs` reads std's own documentation and finds what it does not name.
#![cfg(target_os = "linux")]

#[allow(clippy::duplicate_mod)]
#[path = "parity"]
mod std_has {
    use std::io as pipes;
    use std::net;
    use std::os::linux::net as linux;
    use std::os::unix::net as unix;

    #[path = "methods.rs"]
    mod methods;
}

#[allow(clippy::duplicate_mod)]
#[path = "parity"]
mod greenroom_has {
    use greenroom::io as pipes;
    use greenroom::net;
    use greenroom::os::linux::net as linux;
    use greenroom::os::unix::net as unix;

    #[path = "methods.rs"]
    mod methods;
}

mod parity {
    mod docs;
}
