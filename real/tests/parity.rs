//! One program, over std's sockets and threads and over ours: what it sees is the same.
//!
//! `parity/behaviour.rs` and its scenes are compiled twice, against std's modules and against ours.
//! Where the two differ on purpose, [`DIFFER`] says why.
#![cfg(target_os = "linux")]

/// What a scene needs and neither world has.
mod stage;

#[allow(clippy::duplicate_mod)]
#[path = "parity"]
mod with_std {
    use std::{io as pipes, net, os::unix::net as unix, thread};

    #[path = "behaviour.rs"]
    pub mod behaviour;
}

#[allow(clippy::duplicate_mod)]
#[path = "parity"]
mod with_greenroom {
    use greenroom::{io as pipes, net, os::unix::net as unix, thread};

    #[path = "behaviour.rs"]
    pub mod behaviour;
}

/// Scenes that see something else on purpose, and why.
const DIFFER: &[(&str, &str)] = &[(
    "a TCP read into nothing runs out of time",
    "Linux answers Ok(0), as if it had read nothing; ours answers WouldBlock, as Linux itself does \
     on a Unix socket",
)];

#[test]
fn every_scene_looks_the_same_over_std_and_over_greenroom() {
    let ours = with_greenroom::behaviour::SCENES;
    let mut unlike = Vec::new();
    for (&(name, over_std), &(_, over_ours)) in with_std::behaviour::SCENES.iter().zip(ours) {
        let expected = over_std();
        let seen = greenroom_real::run(over_ours);
        let differs = DIFFER.iter().any(|(known, _)| *known == name);
        if (seen == expected) == differs {
            unlike.push(format!("{name}\n     std: {expected}\n    ours: {seen}"));
        }
    }
    assert!(unlike.is_empty(), "{} scenes:\n\n{}\n", unlike.len(), unlike.join("\n\n"));
    let known = |name: &str| ours.iter().any(|(scene, _)| *scene == name);
    assert!(DIFFER.iter().all(|(name, why)| known(name) && !why.is_empty()));
}
