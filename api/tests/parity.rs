//! Every stable method and trait of what mirrors std's types, on ours with the same signature.
//!
//! `parity/methods.rs` and `parity/program.rs` are compiled twice, against std's modules and against
//! ours: what they name exists in both. `parity/traits.rs` asks the types of both for their traits.
//! `parity/docs.rs` reads std's own documentation and finds what none of them names.
#![cfg(target_os = "linux")]

#[allow(clippy::duplicate_mod)]
#[path = "parity"]
mod std_has {
    use std::io as pipes;
    use std::net;
    use std::os::linux::net as linux;
    use std::os::unix::net as unix;
    use std::{sync, thread, time};

    #[path = "methods.rs"]
    mod methods;
    #[path = "program.rs"]
    mod program;
}

#[allow(clippy::duplicate_mod)]
#[path = "parity"]
mod greenroom_has {
    use greenroom::io as pipes;
    use greenroom::net;
    use greenroom::os::linux::net as linux;
    use greenroom::os::unix::net as unix;
    use greenroom::{sync, thread, time};

    #[path = "methods.rs"]
    mod methods;
    #[path = "program.rs"]
    mod program;
}

mod parity {
    mod docs;
    mod traits;
}
