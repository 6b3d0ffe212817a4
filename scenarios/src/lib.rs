//! greenroom's own stories. Each is one blocking program a host, with a property that can fail, and
//! plays on the operating system as well as in the simulator. A story knows no world: this crate
//! imports the API alone.

pub mod backpressure;
pub mod bulk;
pub mod bytes;
pub mod datagram;
pub mod echo;
pub mod half_close;
pub mod http;
pub mod kv;
pub mod names;
pub mod pipeline;
pub mod redis;
pub mod timeouts;

pub mod planted;

pub mod laws;

mod budget;
mod common;

use greenroom::scenario::Scenario;

/// The stories that hold on any hub and in any weather: what a run plays that names none.
pub fn all() -> Vec<Scenario> {
    vec![
        echo::echo(),
        pipeline::pipeline(),
        half_close::half_close(),
        backpressure::backpressure(),
        datagram::datagram(),
        timeouts::timeouts(),
        names::names(),
        kv::story(),
        bulk::bulk(),
        bulk::bulk_unix(),
        http::http(),
        redis::redis(),
    ]
}

/// Programs with a bug that is known, each beside its corrected twin (`…-fixed`): what the search
/// is measured by. They play in the simulator, and never unless they are named.
pub fn planted() -> Vec<Scenario> {
    vec![
        planted::lost_reply::lost_reply(),
        planted::lost_reply::lost_reply_fixed(),
        planted::half_open::half_open(),
        planted::half_open::half_open_fixed(),
        planted::lost_wakeup::lost_wakeup(),
        planted::lost_wakeup::lost_wakeup_fixed(),
    ]
}

/// What the waist promises, as programs: they hold on every hub.
pub fn laws() -> Vec<Scenario> {
    laws::laws()
}
