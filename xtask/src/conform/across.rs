//! Programs of two hosts: slots s0 to s4 are the near one's, s5 to s9 the far one's. On the system the
//! two are network namespaces with a pair of virtual Ethernet devices between them, in the simulator
//! two hosts with a short link.

mod namespaces;

use std::net::{IpAddr, Ipv4Addr};

use super::program::{ACTORS, Op, Program, Step};
pub use namespaces::{Far, child, give_few_ports, run};

/// Which host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// All there is, in a program of one host.
    #[default]
    Only,
    Near,
    Far,
}

pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// The first slot of the far host.
pub const FIRST_FAR: u8 = 5;

impl Side {
    fn of_slot(slot: u8) -> Side {
        if slot < FIRST_FAR { Side::Near } else { Side::Far }
    }

    /// Whether a slot is another host's.
    pub fn is_not_of(self, slot: u8) -> bool {
        self != Side::Only && self != Side::of_slot(slot)
    }

    /// Whose an address is that is seen here.
    pub fn of_address(self, ip: IpAddr) -> Side {
        let ip = match ip {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
            v4 => v4,
        };
        let last = match ip {
            IpAddr::V4(v4) if v4.octets()[0] == 10 => u16::from(v4.octets()[3]),
            IpAddr::V6(v6) if v6.segments()[0] == 0xfd00 => v6.segments()[7],
            _ => 0,
        };
        match (self, last) {
            (Side::Only, _) => Side::Only,
            (_, 1) => Side::Near,
            (_, 2) => Side::Far,
            (here, _) => here,
        }
    }

    /// An address where nobody is.
    pub fn nobody(self) -> IpAddr {
        match self {
            Side::Only => Ipv4Addr::LOCALHOST.into(),
            Side::Near => FAR.into(),
            Side::Far => NEAR.into(),
        }
    }
}

/// Whose each step is: that of the socket it is about; of an actor, where it last began to wait.
pub fn sides_of(program: &Program) -> Vec<Side> {
    let mut actors = [Side::Near; ACTORS as usize];
    let side = |step: &Step| match step {
        Step::Do(op) | Step::Times(_, op) => side_of(op),
        Step::Together(ops) => ops.first().map_or(Side::Near, side_of),
        Step::Start { actor, slot, .. } => {
            actors[usize::from(*actor)] = Side::of_slot(*slot);
            Side::of_slot(*slot)
        }
        Step::Ask(actor) => actors[usize::from(*actor)],
    };
    program.0.iter().map(side).collect()
}

fn side_of(op: &Op) -> Side {
    op.slot().map_or(Side::Near, Side::of_slot)
}
