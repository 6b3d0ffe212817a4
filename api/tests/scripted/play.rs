//! Running a small world: programs in, its record out.

use greenroom::driver::{self, Ending, Program, Role, Stall, Stop};

use super::{Event, ScriptHub, ms};

/// What became of a run.
pub struct Played {
    pub ending: Ending,
    pub hub: ScriptHub,
}

/// Plays one program, `main`.
pub fn play(hub: ScriptHub, main: impl Fn() + 'static) -> Played {
    play_all(hub, vec![client("main", main)])
}

/// Plays several hosts, all of which come up at the start.
pub fn play_all(hub: ScriptHub, programs: Vec<Program>) -> Played {
    let hosts = 0..programs.len() as u32;
    let hub = hosts.fold(hub, |hub, host| hub.at(ms(0), Event::Start(host)));
    let (ending, hub) = driver::run(hub, programs);
    Played { ending, hub }
}

pub fn client(name: &str, body: impl Fn() + 'static) -> Program {
    Program { name: name.into(), role: Role::Client, body: Box::new(body) }
}

pub fn server(name: &str, body: impl Fn() + 'static) -> Program {
    Program { name: name.into(), role: Role::Server, body: Box::new(body) }
}

impl Played {
    /// The run went well: its clients returned, and nobody panicked.
    #[track_caller]
    pub fn done(self) -> Played {
        assert!(matches!(self.ending.stop, Stop::Done), "{:#?}", self.ending);
        assert!(self.ending.panics.is_empty(), "{:#?}", self.ending.panics);
        assert_eq!(self.ending.leaked, 0);
        self
    }

    /// The run could not go on; the wait table.
    #[track_caller]
    pub fn deadlock(&self) -> &Stall {
        match &self.ending.stop {
            Stop::Deadlock(stall) => stall,
            other => panic!("not a deadlock but {other:?}"),
        }
    }

    /// What the programs noted, `at name: text`.
    pub fn told(&self) -> Vec<String> {
        let noted = self.hub.trace().iter().filter(|line| line.contains(": * "));
        noted.map(|line| line.replacen(": * ", ": ", 1)).collect()
    }

    /// The lines of the whole trace that contain one of these.
    pub fn traced(&self, any_of: &[&str]) -> Vec<&str> {
        let lines = self.hub.trace().iter().map(String::as_str);
        lines.filter(|line| any_of.iter().any(|what| line.contains(what))).collect()
    }

    /// When the world stood still, in milliseconds.
    pub fn ended_at(&self) -> u64 {
        self.hub.now / 1_000_000
    }
}
